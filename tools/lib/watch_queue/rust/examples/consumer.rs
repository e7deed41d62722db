// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prints what happens in a directory: consumer DIRECTORY
use watch_queue::{Events, Kind, Queue, Scope, Watch};

fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let (control, mut ring) = Queue::builder().open()?;
    control.add(
        &Watch::path(&path)
            .scope(Scope::Children)
            .events(Events::MUTATIONS),
    )?;
    while ring.wait(None)? {
        while let Some(record) = ring.next()? {
            match record.kind()? {
                Kind::Fs(fs) => println!("{:?} {:?}", fs.event(), fs.name()),
                Kind::Loss(loss) => println!("{} events lost: look again", loss.count),
                other => println!("{other:?}"),
            }
        }
    }
    Ok(())
}
