// SPDX-License-Identifier: GPL-2.0

//! `watchq generate`: the manual page and shell completions, made from the command line's own
//! description. Hidden: it is for those who install watchq.

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
        Generated::Man => manual(&mut text)?,
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
fn manual(out: &mut Vec<u8>) -> io::Result<()> {
    let command = Args::command();
    let program = clap_mangen::Man::new(command.clone());
    program.render_title(out)?;
    program.render_name_section(out)?;
    program.render_synopsis_section(out)?;
    program.render_description_section(out)?;
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        writeln!(out, ".SH \"WATCHQ {}\"", part.get_name().to_uppercase())?;
        let name = format!("watchq {}", part.get_name());
        let part = part.clone().display_name(&name).bin_name(&name);
        let page = clap_mangen::Man::new(part);
        for render in [
            clap_mangen::Man::render_synopsis_section,
            clap_mangen::Man::render_description_section,
            clap_mangen::Man::render_options_section,
            clap_mangen::Man::render_extra_section,
        ] {
            let mut section = Vec::new();
            render(&page, &mut section)?;
            // A section of the command's own page is a subsection here.
            out.extend(
                String::from_utf8_lossy(&section)
                    .replace(".SH ", ".SS ")
                    .bytes(),
            );
        }
    }
    Ok(())
}
