// SPDX-License-Identifier: GPL-2.0

//! `watchq generate`: the manual page and shell completions, made from the command line's own
//! description. Hidden: it is for the installation of watchq.

mod notes;

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Args, Generated};
use crate::failure::Failure;
use crate::Outcome;

/// Runs the command.
pub fn run(what: Generated) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    match what {
        Generated::Man => text.extend(manual()?.bytes()),
        Generated::Bash => completions(Shell::Bash, &mut text),
        Generated::Fish => completions(Shell::Fish, &mut text),
        Generated::Zsh => completions(Shell::Zsh, &mut text),
    }
    io::stdout().lock().write_all(&text)?;
    Ok(Outcome::Done)
}

fn completions(shell: Shell, out: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut Args::command(), "watchq", out);
}

/// One page: the program's description and then the options of each command.
pub fn manual() -> io::Result<String> {
    let mut out = Vec::new();
    let command = Args::command();
    let program = clap_mangen::Man::new(command.clone());
    program.render_title(&mut out)?;
    program.render_name_section(&mut out)?;
    program.render_synopsis_section(&mut out)?;
    program.render_description_section(&mut out)?;
    let mut page = text(out)?;
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        page.push_str(&format!(
            ".SH \"WATCHQ {}\"\n",
            part.get_name().to_uppercase()
        ));
        let notes = part.get_after_long_help().map(ToString::to_string);
        let name = format!("watchq {}", part.get_name());
        let part = part.clone().display_name(&name).bin_name(&name);
        let part = clap_mangen::Man::new(part);
        let mut out = Vec::new();
        part.render_synopsis_section(&mut out)?;
        part.render_description_section(&mut out)?;
        part.render_options_section(&mut out)?;
        // A section of the command's own page is a subsection here.
        page.push_str(&text(out)?.replace(".SH ", ".SS "));
        if let Some(notes) = notes {
            page.push_str(".SS NOTES\n");
            notes::render(&notes, &mut page);
        }
    }
    let notes = command.get_after_long_help().map(ToString::to_string);
    page.push_str(".SH \"EXIT STATUS\"\n");
    notes::render(&notes.unwrap_or_default(), &mut page);
    page.push_str(
        ".SH FILES\n.TP\n/dev/watch_queue\nthe device of the kernel module\n.TP\n\
         /sys/module/watch_queue_dev/parameters\nits limits; see watchq info\n\
         .SH ENVIRONMENT\n.TP\nNO_COLOR\nif set, messages on a terminal have no colour\n.TP\nJOURNAL_STREAM\n\
         if stderr is what it says, messages have the priorities of sd\\-daemon(3)\n\
         .SH \"SEE ALSO\"\nwatch_queue(4), inotifywait(1), inotifywatch(1)\n",
    );
    Ok(page)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(io::Error::other)
}
