//! Folders that can not be written.

use std::{fs, path::Path, process::Command};

use crate::support::{Export, Node, WRITTEN, ended};

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
    // Nobody can write there, whoever runs the tests.
    let folder = "/proc/self/fdinfo";
    let mut command = export.command_into(Path::new(folder), &[node.url()]);
    ended(command.output().unwrap()).exits(1).says(&[folder]);
    assert_eq!(node.figures().items, 0);
}

/// A file system in memory with room for half of the chunks, which nobody else sees.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_the_same_command_goes_on_where_there_is_room() {
    let may_mount = |args: &[&str]| {
        let mount = ["--mount", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /tmp"];
        Command::new("unshare").args(args).args(mount).output().is_ok_and(|output| output.status.success())
    };
    let Some(apart) = [&[][..], &["--map-root-user"]].into_iter().find(|args| may_mount(args)) else {
        println!("LEFT OUT: nobody here may mount a file system that is full soon");
        return;
    };
    let pages = |of_chunks: bool| -> usize {
        let files = WRITTEN.iter().filter(|(name, _)| name.starts_with("chunks/") == of_chunks);
        files.map(|(_, bytes)| bytes.len().div_ceil(4_096)).sum()
    };
    let (node, export, disk) = (Node::honest(), Export::new(), tempfile::tempdir().unwrap());
    let fetch = export.command_into(&disk.path().join("archive"), &[node.url()]);
    let mut shell = Command::new("unshare");
    // What is on the disk is copied out before it goes.
    let script = "mount -t tmpfs -o size=$SIZE tmpfs \"$DISK\" || exit 99; \
        \"$@\"; code=$?; cp -a \"$DISK/archive\" \"$KEPT\"; exit $code";
    shell.args(apart).args(["--mount", "sh", "-c", script, "sh"]).arg(fetch.get_program());
    shell.args(fetch.get_args()).env("DISK", disk.path()).env("KEPT", export.out());
    shell.env("SIZE", ((pages(false) + pages(true) / 2) * 4_096).to_string());
    ended(shell.output().unwrap()).exits(1).says(&["No space left on device", "chunks/", "the same command"]);
    assert!(export.kept() > 0);
    export.goes_on();
}

/// The shell limits the size of files, which is how a quota looks to a program that writes.
#[cfg(unix)]
#[test]
fn a_limit_of_the_size_of_files_is_an_error_and_what_fits_is_kept() {
    let (node, export) = (Node::honest(), Export::new());
    let fetch = export.command(&[node.url()]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"]);
    shell.arg(fetch.get_program()).args(fetch.get_args());
    ended(shell.output().unwrap()).exits(1).says(&["write", export.out().to_str().unwrap()]);
    export.kept();
    export.goes_on();
}
