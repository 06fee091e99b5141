//! `/pd/api/v1` over a node with one store.

use super::*;

impl Node {
    /// A request with a body, and the answer's status and JSON.
    fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE));
        let agent = ureq::Agent::new_with_config(config.build());
        assert_eq!(method, "POST");
        let mut response = agent.post(&self.url(path)).send(body.to_string()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap())
    }

    async fn with_regions() -> Node {
        let node = Node::start().await;
        node.until(|node| node.get("/pd/api/v1/regions", 200)["count"] == 1).await;
        node
    }
}

#[actix_rt::test]
async fn the_cluster_has_the_shapes_of_pd() {
    let node = Node::with_regions().await;
    assert_eq!(node.get("/pd/api/v1/version", 200)["version"], "1.2.3");
    let members = node.get("/pd/api/v1/members", 200);
    assert_eq!(members["members"][0]["name"], "node-1");
    assert_eq!(members["leader"], members["members"][0]);
    assert_ne!(members["header"]["cluster_id"], 0);
    assert_eq!(node.get("/pd/api/v1/health", 200)[0]["health"], true);
    assert_eq!(node.get("/pd/api/v1/leader", 200), members["leader"]);
    assert!(node.get("/pd/api/v1/nodes", 200)["nodes"].is_array());

    let stores = node.get("/pd/api/v1/stores", 200);
    assert_eq!(stores["count"], 1);
    let id = node.store.store_id;
    let store = node.get(&format!("/pd/api/v1/store/{id}"), 200);
    assert_eq!(store, stores["stores"][0]);
    assert_eq!(store["store"]["state_name"], "Up");
    assert_eq!(store["status"]["leader_count"], 1);

    let region = node.get("/pd/api/v1/regions", 200)["regions"][0].clone();
    assert_eq!(region["start_key"], "");
    assert_eq!(region["leader"]["store_id"], id.0);
    assert_eq!(
        node.get(&format!("/pd/api/v1/region/id/{}", region["id"]), 200)["id"],
        region["id"]
    );
    assert_eq!(node.get("/pd/api/v1/region/key/t", 200)["id"], region["id"]);
    assert_eq!(node.get("/pd/api/v1/region/key/7480FF?format=hex", 200)["id"], region["id"]);
    node.stop().await;
}

#[actix_rt::test]
async fn what_is_not_there_or_cannot_be_is_said() {
    let node = Node::with_regions().await;
    node.get("/pd/api/v1/store/99", 404);
    node.get("/pd/api/v1/region/id/99", 404);
    let refused = |path: &str, method: &str, why: &str| {
        let error = node.json(method, path, 400)["error"].clone();
        assert!(error.as_str().unwrap().contains(why), "{path}: {error}");
    };
    refused("/pd/api/v1/store/x", "GET", "x is not the id of a store");
    refused("/pd/api/v1/region/key/7g?format=hex", "GET", "7g is not a key in hexadecimal");
    refused("/pd/api/v1/store/99", "DELETE", "there is no store 99");
    let id = node.store.store_id;
    refused(&format!("/pd/api/v1/store/{id}"), "DELETE", "0 other stores serve");
    refused("/pd/api/v1/schedulers/tidy", "DELETE", "there is no scheduler tidy");
    refused("/pd/api/v1/members/name/x", "DELETE", "not a group of members");
    refused("/pd/api/v1/leader/resign", "POST", "has one member");
    refused("/pd/api/v1/operators/99", "DELETE", "region 99 has no operator");
    refused("/pd/api/v1/operators", "POST", "the body is not what is wanted");
    assert_eq!(node.ask("DELETE", "/pd/api/v1/stores").0, 405);
    node.stop().await;
}

#[actix_rt::test]
async fn schedulers_settings_and_operators_are_changed() {
    let node = Node::with_regions().await;
    let has = |name: &str| {
        let all = node.get("/pd/api/v1/schedulers", 200);
        all.as_array().unwrap().iter().any(|found| found == name)
    };
    assert!(has("balance-leader-scheduler"));
    node.json("DELETE", "/pd/api/v1/schedulers/balance-leader-scheduler", 200);
    assert!(!has("balance-leader-scheduler"));
    let add = json!({ "name": "balance-leader-scheduler" });
    assert_eq!(node.send("POST", "/pd/api/v1/schedulers", &add).0, 200);
    assert!(has("balance-leader-scheduler"));
    assert!(!has("evict-leader-scheduler"));
    let evict = json!({ "name": "evict-leader-scheduler", "store_id": node.store.store_id });
    assert_eq!(node.send("POST", "/pd/api/v1/schedulers", &evict).0, 200);
    assert!(has("evict-leader-scheduler"));

    let settings = json!({ "max-store-down-time": "10m", "schedule.leader-schedule-limit": 3 });
    assert_eq!(node.send("POST", "/pd/api/v1/config", &settings).0, 200);
    let schedule = node.get("/pd/api/v1/config", 200)["schedule"].clone();
    assert_eq!(schedule["max-store-down-time"], "10m");
    assert_eq!(schedule["leader-schedule-limit"], 3);
    let (status, answer) = node.send("POST", "/pd/api/v1/config", &json!({ "max-replicas": 2 }));
    assert_eq!((status, answer["error"].as_str().unwrap().contains("must be odd")), (400, true));

    let region = node.get("/pd/api/v1/regions", 200)["regions"][0]["id"].clone();
    let add = json!({ "name": "split-region", "region_id": region, "policy": "approximate" });
    assert_eq!(node.send("POST", "/pd/api/v1/operators", &add).0, 200);
    let shown = node.get("/pd/api/v1/operators", 200).to_string();
    assert!(shown.contains("admin-split-region"), "{shown}");
    let (status, answer) = node.send("POST", "/pd/api/v1/operators", &add);
    assert_eq!((status, &answer["error"]), (400, &json!("the region has another operator")));
    node.json("DELETE", &format!("/pd/api/v1/operators/{region}"), 200);
    assert_eq!(node.get("/pd/api/v1/operators", 200), json!([]));
    node.stop().await;
}
