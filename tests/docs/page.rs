//! A page of Markdown with commands in it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use crate::{ROOT, services::Services};

/// A line of a page, or a block of commands.
enum Part {
    Text(String),
    Session { fence: String, commands: Vec<Shown>, exit: i32 },
}

/// A command with the output that a page shows.
struct Shown {
    command: Vec<String>,
    output: Vec<String>,
}

/// A page.
pub struct Page(Vec<Part>);

impl Page {
    pub fn parse(text: &str) -> Page {
        let mut parts = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```console") else {
                parts.push(Part::Text(line.to_owned()));
                continue;
            };
            let exit = info.trim().strip_prefix("exit=").map_or(0, |code| code.parse().unwrap());
            let mut commands: Vec<Shown> = Vec::new();
            let mut goes_on = false;
            for line in lines.by_ref().take_while(|line| *line != "```") {
                if let Some(command) = line.strip_prefix("$ ") {
                    commands.push(Shown { command: vec![command.to_owned()], output: Vec::new() });
                } else {
                    let last = commands.last_mut().expect("a block begins with a command");
                    if goes_on { &mut last.command } else { &mut last.output }.push(line.to_owned());
                }
                goes_on = line.ends_with('\\');
            }
            parts.push(Part::Session { fence: line.to_owned(), commands, exit });
        }
        Page(parts)
    }

    /// Runs the commands, and gives the page with what they print.
    pub fn run(&self, services: &Services) -> String {
        let folder = tempfile::tempdir().unwrap();
        let testdata = Path::new(ROOT).join("testdata");
        symlink(&testdata, folder.path().join("testdata")).unwrap();
        symlink(testdata.join("small/archive"), folder.path().join("period-81")).unwrap();
        symlink(testdata.join("small/previous"), folder.path().join("results-80")).unwrap();
        symlink(testdata.join("small/paid.txt"), folder.path().join("paid-memos.txt")).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(line) => text.push_str(line),
                Part::Session { fence, commands, exit } => {
                    text.push_str(fence);
                    for (index, shown) in commands.iter().enumerate() {
                        let exit = if index + 1 == commands.len() { *exit } else { 0 };
                        let lines = run(&shown.command.join("\n"), folder.path(), services, exit);
                        text.push_str(&format!("\n$ {}", shown.command.join("\n")));
                        for line in merged(&shown.output, &lines) {
                            text.push_str(&format!("\n{line}"));
                        }
                    }
                    text.push_str("\n```");
                }
            }
            text.push('\n');
        }
        text
    }
}

fn run(command: &str, folder: &Path, services: &Services, exit: i32) -> Vec<String> {
    let programs = Path::new(env!("CARGO_BIN_EXE_minting-replay")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("{{ {}\n}} 2>&1", services.reach(command)))
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder.join("home"))
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = services.hide(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(exit), "{command}\n{printed}");
    printed.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// What was printed, but for lines that the page has with `[..]` in the place of what differs between runs.
fn merged(shown: &[String], printed: &[String]) -> Vec<String> {
    let kept = |index: usize, line: &String| {
        shown.get(index).filter(|pattern| fits(pattern, line)).unwrap_or(line).clone()
    };
    printed.iter().enumerate().map(|(index, line)| kept(index, line)).collect()
}

/// Whether a line has the parts around every `[..]` of a pattern, in order.
fn fits(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let Some(mut rest) = parts.next().and_then(|start| line.strip_prefix(start)) else { return false };
    let mut ends_open = true;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
        ends_open = part.is_empty();
    }
    pattern.contains("[..]") && (ends_open || rest.is_empty())
}
