// SPDX-License-Identifier: MIT OR Apache-2.0

//! File events as a set of bits; used to ask for events and to read what an FS record reports.

use bitflags::bitflags;

bitflags! {
    /// Events of files and directories.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Events: u64 {
        /// Read.
        const ACCESS = 1 << 0;
        /// Written or truncated.
        const MODIFY = 1 << 1;
        /// Metadata changed.
        const ATTRIB = 1 << 2;
        /// Closed after having been open for writing.
        const CLOSE_WRITE = 1 << 3;
        /// Closed after having been open for reading only.
        const CLOSE_NOWRITE = 1 << 4;
        /// Opened.
        const OPEN = 1 << 5;
        /// An entry of the directory was renamed: the old name.
        const MOVED_FROM = 1 << 6;
        /// An entry of the directory was renamed: the new name.
        const MOVED_TO = 1 << 7;
        /// An entry was created in the directory.
        const CREATE = 1 << 8;
        /// An entry was deleted from the directory.
        const DELETE = 1 << 9;
        /// The watched object itself was deleted.
        const DELETE_SELF = 1 << 10;
        /// The watched object itself was renamed.
        const MOVE_SELF = 1 << 11;
        /// Opened to be executed.
        const OPEN_EXEC = 1 << 12;

        /// Either half of a rename.
        const MOVE = Self::MOVED_FROM.bits() | Self::MOVED_TO.bits();
        /// Closed, whatever it was open for.
        const CLOSE = Self::CLOSE_WRITE.bits() | Self::CLOSE_NOWRITE.bits();
        /// What changes a file or a directory; what only reads it is left out.
        const MUTATIONS = Self::MODIFY.bits() | Self::ATTRIB.bits() | Self::CLOSE_WRITE.bits()
            | Self::MOVE.bits() | Self::CREATE.bits() | Self::DELETE.bits()
            | Self::DELETE_SELF.bits() | Self::MOVE_SELF.bits();
    }
}
