//! Help and manual pages, made from the definitions of the command line.

use std::{
    fmt::Write,
    io,
    path::{Path, PathBuf},
};

use clap::Command;

/// Names of commands under a heading.
pub type Group = (&'static str, &'static [&'static str]);

/// The heading of commands that no group names.
const OTHERS: &str = "More commands";

/// Lists the commands of a program in groups instead of one after the other.
///
/// A command that no group names is listed last, so that none can be forgotten.
pub fn grouped(command: Command, groups: &[Group]) -> Command {
    let about = |name: &str| {
        let found = command.get_subcommands().find(|c| c.get_name() == name && !c.is_hide_set());
        found.map(|found| found.get_about().map(ToString::to_string).unwrap_or_default())
    };
    let named = |name: &str| groups.iter().any(|(_, names)| names.contains(&name));
    let width = command.get_subcommands().map(|c| c.get_name().len()).max().unwrap_or_default();
    let others: Vec<&str> =
        command.get_subcommands().map(Command::get_name).filter(|name| !named(name)).collect();
    let header = *command.get_styles().get_header();
    let literal = *command.get_styles().get_literal();
    let mut list = String::new();
    for (heading, names) in groups.iter().copied().chain([(OTHERS, others.as_slice())]) {
        let rows: Vec<_> = names.iter().filter_map(|name| Some((*name, about(name)?))).collect();
        if rows.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(list, "{header}{heading}:{header:#}");
        for (name, about) in rows {
            let _ = writeln!(list, "  {literal}{name:<width$}{literal:#}  {about}");
        }
        list.push('\n');
    }
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

/// The manual page of a program, in roff.
///
/// # Errors
/// None, but for those of memory.
pub fn manual(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

/// Writes the manual pages of a program and of each of its commands into a folder, as `<program>-<command>.1`.
///
/// # Errors
/// Names the folder that cannot be written.
pub fn manuals(command: Command, folder: &Path) -> io::Result<PathBuf> {
    let named =
        |e: io::Error| io::Error::new(e.kind(), format!("failed to write `{}`: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(named)?;
    clap_mangen::generate_to(command, folder).map_err(named)?;
    Ok(folder.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let sub = |name: &'static str| Command::new(name).about(format!("Does {name}"));
        Command::new("program").version("1").subcommands([sub("one"), sub("two"), sub("three")])
    }

    #[test]
    fn commands_are_listed_in_groups_and_none_is_forgotten() {
        let help = grouped(command(), &[("Second", &["two"]), ("First", &["one", "nothing"])]).render_help();
        let help = help.to_string();
        let at = |part: &str| help.find(part).unwrap_or_else(|| panic!("no {part:?} in {help}"));
        assert!(at("Second:\n  two    Does two") < at("First:\n  one    Does one"));
        assert!(at("First:") < at("More commands:\n  three  Does three"));
        assert!(!help.contains("nothing"));
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let folder = tempfile::tempdir().unwrap();
        manuals(command(), folder.path()).unwrap();
        for name in ["program", "program-one", "program-two", "program-three"] {
            assert!(folder.path().join(format!("{name}.1")).is_file(), "{name}");
        }
        assert!(String::from_utf8(manual(command()).unwrap()).unwrap().contains("program"));
    }
}
