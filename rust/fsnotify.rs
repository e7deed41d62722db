// SPDX-License-Identifier: GPL-2.0

//! A backend of fsnotify in a module: groups, marks, events, and waiting for user space in one.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`backend`] | groups, marks, and the callbacks of a backend | see there |
//! | [`event`] | what an event says | the event |
//! | [`lsm`] | rules of LSMs about watches | process |
//! | [`mark`] | an fsnotify mark inside the object it leads to | any |
//! | [`mask`] | what the kernel calls a backend for | process |
//! | [`objects`] | the objects of an event that have our marks | the event |
//! | [`place`] | on which kind of object a mark can be | any |
//! | [`section`] | leaving fsnotify's read section to wait | process |
//! | [`user_waits`] | whether the kernel lets us wait in an event | process |

pub(crate) mod backend;
pub(crate) mod event;
pub(crate) mod lsm;
pub(crate) mod mark;
pub(crate) mod mask;
pub(crate) mod objects;
pub(crate) mod place;
pub(crate) mod section;
pub(crate) mod user_waits;
