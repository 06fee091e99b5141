//! The end of the endpoint.

use super::*;

#[actix_rt::test]
async fn after_a_stop_the_port_is_free() {
    let node = Node::start().await;
    node.get("/status", 200);
    let addr = node.admin.addr();
    node.admin.stop(DEADLINE).await;
    assert!(!node.admin.actor().is_alive());
    TcpListener::bind(addr).unwrap();
    assert!(node.system.actors().iter().all(|actor| actor.path.name() != "admin"));
    node.system.shutdown(DEADLINE).await;
}

#[actix_rt::test]
async fn the_system_stops_it_too() {
    let node = Node::start().await;
    node.get("/status", 200);
    node.system.shutdown(DEADLINE).await;
    TcpListener::bind(node.admin.addr()).unwrap();
}
