// SPDX-License-Identifier: GPL-2.0

//! `watchq`: kernel events of `/dev/watch_queue` on the command line.
//!
//! This file maps commands to functions and results to exit statuses. Everything that can fail
//! returns a [`failure::Failure`], which says what went wrong and what to do.

mod args;
mod chooser;
mod escape;
mod event;
mod failure;
mod follow;
mod generate;
mod guard;
mod info;
mod json;
mod limits;
mod list;
mod monitor;
mod mounts;
mod names;
mod output;
mod placeless;
mod rate;
mod rules;
mod run;
mod say;
mod signals;
mod sink;
mod source;
mod stat;
mod sys;
mod template;
mod wait;
mod watched;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did what was asked.
    Done,
    /// Nothing happened for the time that was given.
    TimedOut,
    /// A signal came before what was waited for.
    Signalled(i32),
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // clap's own status for bad usage is 2, which means a time-out here.
        Err(error) => {
            // Nothing is left to be done when not even that can be written.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let result = match args.command {
        Command::Monitor(options) => monitor::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Stat(options) => stat::run(&options),
        Command::Guard(options) => guard::run(&options),
        Command::Info(options) => info::run(&options),
        Command::List(options) => list::run(&options),
        Command::Generate { what } => generate::run(what),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::TimedOut) => ExitCode::from(2),
        Ok(Outcome::Signalled(signal)) => {
            // The process that waits for us sees what a program without a handler would have ended of: a
            // shell's loop or `&&` must not take an interrupt for the event.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            // It does not return for these signals.
            ExitCode::FAILURE
        }
        // The reader of our output has seen enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            say::error(&failure);
            ExitCode::FAILURE
        }
    }
}
