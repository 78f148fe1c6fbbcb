//! Folders that can not be written.

use std::fs;

use crate::support::{Export, Node, ended};

#[test]
fn a_folder_that_can_not_be_made_is_an_error_before_the_node_is_asked() {
    let (node, export) = (Node::honest(), Export::new());
    fs::write(export.out(), b"mine").unwrap();
    export.run(&[&node]).exits(1).says(&[export.out().to_str().unwrap()]);
    assert_eq!(fs::read(export.out()).unwrap(), b"mine");
    assert_eq!(node.figures().items, 0);
}

#[test]
fn a_folder_that_can_not_be_written_is_an_error_before_the_node_is_asked() {
    let node = Node::honest();
    let export = Export::new();
    let mut command = export.command(&[node.url()]);
    // Of two folders the last one counts; nobody can write there, whoever runs the tests.
    command.args(["--out", "/proc/self/fdinfo"]);
    let ran = ended(command.output().unwrap());
    assert_ne!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(node.figures().items, 0);
}

/// The shell limits the size of files, which is how a full disk looks to a program that writes.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_what_fits_is_kept() {
    let (node, export) = (Node::honest(), Export::new());
    let fetch = export.command(&[node.url()]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"]);
    shell.arg(fetch.get_program()).args(fetch.get_args());
    ended(shell.output().unwrap()).exits(1).says(&["write", export.out().to_str().unwrap()]);
    export.kept();
    export.goes_on();
}
