//! The HTML report in a real browser: rendered, searched, sorted, without an error.
//!
//! Needs Chromium, which `CHROMIUM` may name; left out loudly where there is none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use serde_json::Value;

/// Records errors from the first moment on.
const LISTEN: &str = "<script>var failures=[];addEventListener('error',e=>failures.push(e.message));\
    addEventListener('unhandledrejection',e=>failures.push(String(e.reason)));\
    addEventListener('securitypolicyviolation',e=>failures.push('policy: '+e.violatedDirective));\
    for(const level of ['error','warn'])console[level]=(...a)=>failures.push(a.join(' '));</script>";

/// Uses the page as a person would, and leaves what it saw in the document.
const DRIVE: &str = include_str!("drive.js");

fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let found = std::env::split_paths(&path).flat_map(|folder| known.map(|name| folder.join(name)));
    named.into_iter().chain(found).find(|program| program.is_file())
}

fn browse(program: &Path, profile: &Path, options: &[&str], page: &Path) -> String {
    let output = Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--virtual-time-budget=20000", "--window-size=1200,1600"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the page showed to the script that used it.
fn seen(program: &Path, folder: &Path, page: &str) -> Value {
    let driven = page.replacen("<head>", &format!("<head>{LISTEN}"), 1).replacen(
        "</body>",
        &format!("<script>{DRIVE}</script></body>"),
        1,
    );
    let file = folder.join("driven.html");
    fs::write(&file, driven).unwrap();
    let document = browse(program, &folder.join("profile"), &["--dump-dom"], &file);
    let start = document.find("SEEN{").expect("the page was used") + "SEEN".len();
    let rest = &document[start..];
    let end = rest.find("}SEEN").unwrap() + 1;
    let text = rest[..end].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

fn report(runs: &[&Path], out: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_minting-replay"))
        .arg("report")
        .args(runs)
        .args(["--overwrite", "--out"])
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(out).unwrap()
}

#[test]
fn a_report_works_in_a_browser() {
    let Some(program) = chromium() else {
        eprintln!("LEFT OUT: there is no Chromium; install it, or name it in CHROMIUM");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small/expected");
    let page = report(&[&out], &folder.path().join("report.html"));
    let seen = seen(&program, folder.path(), &page);
    assert_eq!(seen["failures"], Value::Array(vec![]));
    assert_eq!(seen["title"], "Minting, period 81");
    assert_eq!(seen["choice_shown"], false);
    assert_eq!(seen["rows"], 62);
    assert_eq!(seen["search"], serde_json::json!(["15"]));
    assert_eq!(seen["by_outcome"], 2);
    assert_eq!((&seen["printed"], &seen["rows_after_print"]), (&62.into(), &62.into()));
    assert_eq!(seen["sorted"], true);
    assert_eq!(seen["missing_last"], true);
    assert_eq!(seen["sort_announced"], "descending");
    assert_eq!(seen["node_title"], "Node 15");
    assert_eq!(seen["strip_days"], 31);
    assert_eq!(seen["hash"], "#node-15");
    assert_eq!((&seen["closed_by_escape"], &seen["scrollers"]), (&true.into(), &true.into()));
    assert_eq!(seen["unlabelled"], serde_json::json!([]));
    let dark = folder.path().join("dark.png");
    let options = [format!("--screenshot={}", dark.display()), "--force-dark-mode".to_owned()];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    browse(&program, &folder.path().join("profile"), &options, &folder.path().join("report.html"));
    assert!(fs::metadata(&dark).unwrap().len() > 10_000);
}

#[test]
fn a_hostile_farm_name_stays_text_and_5500_nodes_are_quick() {
    let Some(program) = chromium() else {
        eprintln!("LEFT OUT: there is no Chromium; install it, or name it in CHROMIUM");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small/expected");
    let page = report(&[&out], &folder.path().join("report.html"));
    // The page of the same run with many nodes, and a farm whose name tries to leave the script and the table.
    let open = "<script type=\"application/json\" id=\"data\">";
    let start = page.find(open).unwrap() + open.len();
    let end = start + page[start..].find("</script>").unwrap();
    let mut data: Value = serde_json::from_str(&page[start..end]).unwrap();
    let hostile = "</script><img src=x onerror=failures.push('ran')>\u{202e}";
    let template = data[0]["nodes"][14].clone();
    let nodes = (1..=5_500).map(|id| {
        let mut node = template.clone();
        node["id"] = id.into();
        node["name"] = hostile.into();
        node
    });
    data[0]["nodes"] = nodes.collect();
    let text = data.to_string().replace('<', "\\u003c");
    let large = format!("{}{text}{}", &page[..start], &page[end..]);
    let begun = Instant::now();
    let seen = seen(&program, folder.path(), &large);
    assert_eq!(seen["failures"], Value::Array(vec![]));
    assert_eq!(seen["rows"], 100, "one page of rows");
    assert_eq!((&seen["printed"], &seen["rows_after_print"]), (&5_500.into(), &100.into()), "printed whole");
    assert!(seen["name"].as_str().unwrap().starts_with("</script><img src=x"), "{}", seen["name"]);
    assert!(seen["name"].as_str().unwrap().ends_with("\\u{202e}"));
    let milliseconds = seen["filter_milliseconds"].as_f64().unwrap();
    assert!(milliseconds < 2_000.0, "a search took {milliseconds} ms");
    eprintln!("a search in 5,500 nodes took {milliseconds} ms; the browser ran for {:?}", begun.elapsed());
}
