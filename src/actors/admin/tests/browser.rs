//! The page, looked at by a browser.

use std::process::Command;

use super::*;

/// How long the page lives, on the browser's own clock.
const PAGE_MS: u32 = 5000;

/// What the page has become after some seconds in headless Chromium; `None` if there is none here.
///
/// # Panics
/// If there is no browser where one is expected (`CI=true`), or it fails.
pub(crate) fn drawn_page(url: &str) -> Option<String> {
    drawn(&[], url)
}

/// As [`drawn_page`], with further arguments for the browser.
fn drawn(arguments: &[&str], url: &str) -> Option<String> {
    let on_path = Command::new("chromium").arg("--version").output();
    if !on_path.is_ok_and(|version| version.status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no chromium on the PATH");
        eprintln!("SKIPPED: there is no chromium on the PATH, nobody has looked at the page");
        return None;
    }
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--virtual-time-budget={PAGE_MS}"))
        .args(arguments)
        .args(["--dump-dom", url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[actix_rt::test]
async fn the_tree_is_drawn_with_its_figures() {
    let node = Node::start().await;
    let Some(page) = drawn_page(&node.url("/")) else { return node.stop().await };
    let rows = page.split("<tbody id=\"rows\">").nth(1).unwrap().split("</tbody>").next().unwrap();
    for name in ["/node-1", "crowd", "store-1", "region-2", "pd", "admin"] {
        assert!(rows.contains(&format!(">{name}</button>")), "{name} in {rows}");
    }
    // A hundred siblings are one row, folded, with their figures added up.
    assert!(rows.contains(">100 × counter</button>"), "{rows}");
    assert!(!rows.contains(">counter-7</button>"), "{rows}");
    assert!(rows.contains("aria-valuemax=\"102400\""), "{rows}");
    assert!(rows.contains("running") && rows.contains("0 / 1024"), "{rows}");
    let fact = |id: &str| {
        let from = page.split(&format!("id=\"{id}\"")).nth(1).unwrap();
        from.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    assert_eq!(fact("node"), "node-1");
    assert_eq!(fact("health"), "healthy");
    assert!(fact("actors").parse::<u32>().unwrap() > 100);
    assert!(fact("rate").parse::<f64>().unwrap() > 0.0, "messages flow: {}", fact("rate"));
    node.stop().await;
}

#[actix_rt::test]
async fn an_actor_named_in_the_address_is_shown_closely() {
    let node = Node::start().await;
    let Some(page) = drawn_page(&node.url("/#/node-1/admin")) else { return node.stop().await };
    assert!(page.contains("<h2 id=\"d-path\">/node-1/admin</h2>"), "{page}");
    assert!(page.contains("listening_on"), "{page}");
    node.stop().await;
}

/// The widths of a phone, half a screen, a screen, and a large one.
const WIDTHS: [u32; 4] = [380, 960, 1440, 2560];

/// A page that holds ours in frames of these widths, and says how large the tree and the page have become there.
fn in_frames(url: &str) -> String {
    format!(
        r#"<!doctype html><body><p id="sizes"></p><script>(async () => {{
        const page = await (await fetch("{url}")).text();
        const frames = {WIDTHS:?}.map(width => {{
            const frame = document.createElement("iframe");
            frame.width = width; frame.height = 900;
            frame.srcdoc = page.replace("<head>", '<head><base href="{url}">');
            document.body.append(frame);
            return frame;
        }});
        setInterval(() => {{
            document.getElementById("sizes").textContent = frames.map(frame => {{
                const inside = frame.contentDocument, rows = inside.getElementById("rows");
                if (!rows || !rows.children.length) return "nothing";
                return [inside.getElementById("tree").clientHeight, rows.clientHeight, inside.documentElement.scrollWidth];
            }}).join(" ");
        }}, 200);
        }})();</script>"#
    )
}

#[actix_rt::test]
async fn the_tree_can_be_seen_on_screens_of_every_width() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("frames.html");
    std::fs::write(&file, in_frames(&node.url("/"))).unwrap();
    // A page in a file may then ask the node, which answers its own pages only.
    let page = drawn(&["--disable-web-security"], &format!("file://{}", file.display()));
    let Some(page) = page else { return node.stop().await };
    let sizes = page.split("<p id=\"sizes\">").nth(1).unwrap().split('<').next().unwrap();
    let sizes: Vec<Vec<u32>> =
        sizes.split(' ').map(|one| one.split(',').map(|n| n.parse().unwrap()).collect()).collect();
    assert_eq!(sizes.len(), WIDTHS.len());
    for (size, width) in sizes.iter().zip(WIDTHS) {
        let &[tree, rows, page] = &size[..] else { panic!("{size:?}") };
        assert!(rows > 100, "{width}: the rows are {rows} pixels high");
        assert!(tree >= rows, "{width}: the tree's box is {tree} pixels high, its rows {rows}");
        assert!(page <= width, "{width}: the page is {page} pixels wide");
    }
    node.stop().await;
}
