// SPDX-License-Identifier: GPL-2.0

//! The options for what is no file: mounts, file systems, keys, devices. Each either takes a value
//! always or never does, so that no value is taken for a path to watch.

use std::path::PathBuf;

/// What else is watched.
#[derive(Debug, Default, clap::Args)]
pub struct Sources {
    /// Watch the mounts of this mount namespace.
    #[arg(long, alias = "mount")]
    pub mounts: bool,

    /// Watch the mounts of another mount namespace, which is a /proc/PID/ns/mnt.
    #[arg(long, value_name = "NS", conflicts_with = "mounts")]
    pub mounts_of: Option<PathBuf>,

    /// Watch the file system that PATH is on: errors, remounts, quotas. May be given several times.
    #[arg(long, value_name = "PATH")]
    pub sb: Vec<PathBuf>,

    /// Watch a key or keyring: its serial number, or one of @t, @p, @s, @u, @us, @g as in keyctl.
    /// May be given several times.
    #[arg(long, value_name = "KEY", value_parser = key, allow_negative_numbers = true)]
    pub key: Vec<i32>,

    /// Watch for errors of the block device DEVICE. May be given several times.
    #[arg(long, value_name = "DEVICE")]
    pub block: Vec<PathBuf>,

    /// Watch for errors of all block devices.
    #[arg(long)]
    pub block_errors: bool,

    /// Watch USB devices and buses.
    #[arg(long)]
    pub usb: bool,
}

fn key(text: &str) -> Result<i32, String> {
    match text {
        "@t" => Ok(-1),
        "@p" => Ok(-2),
        "@s" => Ok(-3),
        "@u" => Ok(-4),
        "@us" => Ok(-5),
        "@g" => Ok(-6),
        number => number
            .parse()
            .map_err(|_| "not a key's serial number, nor @s or the like".into()),
    }
}
