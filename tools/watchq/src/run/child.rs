// SPDX-License-Identifier: GPL-2.0

//! The command as it runs: a process group of its own, so that what it started ends with it.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::process::{
    kill_process_group, pidfd_open, wait, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus,
};

use crate::escape::escaped;
use crate::failure::{said, Failure};
use crate::signals::Interrupt;

/// How long the command may take to end when it is asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// The command.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    /// Readable when it has ended.
    fd: OwnedFd,
    /// It was asked to end, and will be killed then.
    stopped: Option<Instant>,
}

/// How it ended.
#[derive(Debug)]
pub struct Status(WaitStatus);

impl Child {
    /// Starts the command; it reads nothing.
    pub fn start(command: &[OsString]) -> Result<Self, Failure> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Failure::new("there is no command to run"))?;
        let failed = |error: &io::Error| {
            let program = escaped(Path::new(program));
            Failure::new(format!("{program}: cannot be run: {}", said(error)))
        };
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| failed(&error))?;
        // It is waited for below, with everything else that becomes our child.
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::new("the kernel gave it no number"))?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| failed(&error.into()))?;
        Ok(Child {
            pid,
            fd,
            stopped: None,
        })
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ends_within(Duration::ZERO)
    }

    fn ends_within(&self, time: Duration) -> bool {
        let time = Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let mut fd = [PollFd::new(&self.fd, PollFlags::IN)];
        poll(&mut fd, Some(&time)).is_ok_and(|count| count != 0)
    }

    /// Waits for all that has ended; says how the command did, if it was among that.
    pub fn reap(&mut self) -> Option<Status> {
        let mut ended = None;
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == self.pid {
                ended = Some(Status(status));
            }
        }
        ended
    }

    /// Asks it to end, once.
    pub fn stop(&mut self, now: Instant) {
        if self.stopped.is_none() {
            self.signal(Signal::TERM);
            self.stopped = now.checked_add(GRACE);
        }
    }

    /// When it is killed, if it was asked to end.
    pub fn deadline(&self) -> Option<Instant> {
        self.stopped
    }

    /// Kills it if it has been asked to end and did not.
    pub fn kill_if_late(&mut self, now: Instant) {
        if self.stopped.is_some_and(|deadline| deadline <= now) {
            self.signal(Signal::KILL);
            self.stopped = now.checked_add(GRACE);
        }
    }

    /// Ends it, together with us: a second signal does not wait.
    pub fn end(&mut self, interrupt: &Interrupt) {
        let until = Instant::now().checked_add(GRACE);
        interrupt.forget();
        self.signal(Signal::TERM);
        while !self.ends_within(Duration::from_millis(50)) {
            let late = until.is_none_or(|until| Instant::now() >= until);
            if late || interrupt.has_come().is_some() {
                self.signal(Signal::KILL);
                break;
            }
        }
        self.reap();
    }

    fn signal(&self, signal: Signal) {
        // Its whole group may have ended by itself.
        let _ = kill_process_group(self.pid, signal);
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Status {
    /// Whether it did what it was to do.
    pub fn is_success(&self) -> bool {
        self.0.exit_status() == Some(0)
    }

    /// How it ended, in words.
    pub fn words(&self) -> String {
        match (self.0.exit_status(), self.0.terminating_signal()) {
            (Some(status), _) => format!("ended with status {status}"),
            (_, Some(signal)) => format!("ended by signal {signal}"),
            _ => "ended".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let said = Child::start(&["/no/such".into()]).unwrap_err().to_string();
        assert_eq!(said, "/no/such: cannot be run: No such file or directory");
        assert!(Child::start(&[]).is_err());
    }
}
