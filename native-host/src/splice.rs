//! Two connections whose bytes go from one to the other.
//!
//! Everything that either end does, the other one sees: data, the clean end of a direction, an end
//! without a word, a reset. Nothing is read before there is room for it at the other end, so that
//! whoever is slow slows the other down and fills no memory here.

mod patience;
mod plain;
mod sealed;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use self::patience::Patience;

pub use self::plain::Plain;
pub use self::sealed::Sealed;

/// One end of a splice.
pub trait Side {
    /// The socket.
    fn socket(&mut self) -> &mut TcpStream;

    /// What came and could not be used yet, and what is to be sent before anything else.
    fn kept(&mut self) -> (&mut Vec<u8>, &mut Vec<u8>);

    /// How many bytes to ask the socket for, at most `most`, so that what comes ends where a record
    /// does: what is left over of one has to be copied away and back.
    fn wanted(&self, most: usize) -> usize;

    /// What came before the splice began, already plain, and whether it is all.
    ///
    /// # Errors
    ///
    /// Where it may not go on.
    fn early(&mut self) -> io::Result<(Vec<u8>, bool)>;

    /// Takes the protection off what came, and gives on what is plain. Returns how many bytes were
    /// used, and whether the peer said that there will be no more.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes, and what `take` returned.
    fn open(
        &mut self,
        bytes: &mut [u8],
        take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<(usize, bool)>;

    /// Puts the protection on.
    ///
    /// # Errors
    ///
    /// Where the connection cannot be written to any more.
    fn seal(&mut self, plain: &[u8], sealed: &mut Sealed) -> io::Result<()>;

    /// Says that there will be no more.
    ///
    /// # Errors
    ///
    /// Where the connection cannot be written to any more.
    fn seal_end(&mut self, sealed: &mut Sealed) -> io::Result<()>;
}

/// Why a splice ended before both ends were done.
#[derive(Debug)]
pub enum Cut {
    /// The first end, and how.
    First(io::Error),
    /// The second end, and how.
    Second(io::Error),
    /// One end was done long ago, and the other one neither says anything nor ends; or the second
    /// one, a device, takes nothing for long and says nothing either.
    Silence,
}

/// Moves bytes until both ends are done.
///
/// # Errors
///
/// The [`Cut`]. The sockets then are to be closed by [`reset`], which the caller does.
pub async fn splice<A: Side, B: Side>(first: &mut A, second: &mut B) -> Result<(), Cut> {
    let (mut there, mut back) = (Flow::default(), Flow::default());
    let mut refused = None;
    let mut patience = Patience::default();
    poll_fn(|cx| {
        let before = (there.moved, back.moved);
        let to_second = match there.poll(cx, first, second) {
            // It takes nothing more, but may have said why before that: this still arrives.
            Poll::Ready(Err(Fault::To(error))) => {
                there.give_up();
                back.is_cut = true;
                refused = Some(error);
                Poll::Ready(())
            }
            Poll::Ready(Err(Fault::From(error))) => return Poll::Ready(Err(Cut::First(error))),
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        let to_first = back.poll(cx, second, first).map_err(|fault| match fault {
            Fault::From(error) => Cut::Second(error),
            Fault::To(error) => Cut::First(error),
        })?;
        let limit = match (to_second.is_ready(), to_first.is_ready()) {
            (true, true) => {
                let refused = refused.take().map(Cut::Second);
                return Poll::Ready(refused.map_or(Ok(()), Err));
            }
            (false, false) if there.blocked => BLOCKED,
            (false, false) => return Poll::Pending,
            _ => HALF_CLOSED,
        };
        let has_moved = before != (there.moved, back.moved);
        patience
            .poll(cx, limit, has_moved)
            .map(|()| Err(Cut::Silence))
    })
    .await
}

/// Lets the other end see, when the socket is dropped, that the connection was cut: with a reset
/// (RFC 9293 section 3.10.7.4) instead of an end. It sees that as well when this process is killed.
pub fn reset(socket: &TcpStream) {
    // Where the socket has gone already, so has whoever could see it.
    let _ = socket.set_zero_linger();
}

/// Takes that back: what the other end was sent last arrives.
pub fn end(socket: &TcpStream) {
    let _ = SockRef::from(socket).set_linger(None);
}

/// One direction.
#[derive(Default)]
struct Flow {
    stage: Stage,
    /// Whether the other end takes no more for now.
    blocked: bool,
    /// Whether its end is none of its own, and not to be told as one.
    is_cut: bool,
    /// Reads and writes so far, wrapping.
    moved: u32,
}

#[derive(Clone, Copy, Default)]
enum Stage {
    /// What came before the splice goes first.
    #[default]
    Begins,
    Moves,
    /// Nothing more will come.
    Ends,
    Done,
}

/// Whose fault it is that a direction broke off.
enum Fault {
    From(io::Error),
    To(io::Error),
}

impl Flow {
    fn poll<A: Side, B: Side>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut A,
        to: &mut B,
    ) -> Poll<Result<(), Fault>> {
        for _ in 0..STEPS {
            // What is kept while the other end is not blocked waits for company.
            if self.blocked {
                ready!(self.write_kept(cx, to)).map_err(Fault::To)?;
                self.blocked = false;
            }
            match self.stage {
                Stage::Begins | Stage::Moves => {
                    ready!(SCRATCH.with_borrow_mut(|scratch| self.step(cx, from, to, scratch)))?;
                }
                Stage::Ends if self.is_cut => self.stage = Stage::Done,
                Stage::Ends => {
                    ready!(Pin::new(to.socket()).poll_shutdown(cx)).map_err(Fault::To)?;
                    self.stage = Stage::Done;
                }
                Stage::Done => return Poll::Ready(Ok(())),
            }
        }
        // Other connections' turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Moves nothing more.
    const fn give_up(&mut self) {
        (self.stage, self.blocked) = (Stage::Done, false);
    }

    /// Reads once, and writes as much of it as the other end takes at once.
    fn step<A: Side, B: Side>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut A,
        to: &mut B,
        scratch: &mut Scratch,
    ) -> Poll<Result<(), Fault>> {
        let Scratch { input, sealed } = scratch;
        sealed.clear();
        let opened = if let Stage::Begins = self.stage {
            let (plain, closed) = from.early().map_err(Fault::From)?;
            self.stage = Stage::Moves;
            if plain.is_empty() && !closed {
                return Poll::Ready(Ok(()));
            }
            sealed.append(&mem::take(to.kept().1));
            to.seal(&plain, sealed).map(|()| closed)
        } else {
            let Some(filled) = ready!(read(cx, from, input)).map_err(Fault::From)? else {
                self.stage = Stage::Ends;
                return Poll::Ready(Ok(()));
            };
            sealed.append(&mem::take(to.kept().1));
            let due = from.kept().1.len();
            let opened = from.open(&mut input[..filled], |plain| to.seal(plain, sealed));
            if from.kept().1.len() > due {
                // It asked for something of TLS itself, and may wait until it hears of it.
                tell(cx, from);
            }
            opened.map(|(used, closed)| {
                from.kept().0.extend_from_slice(&input[used..filled]);
                closed
            })
        };
        self.moved = self.moved.wrapping_add(1);
        let ended = opened.and_then(|closed| {
            if closed {
                to.seal_end(sealed)?;
                self.stage = Stage::Ends;
            }
            Ok(())
        });
        // What was good before a fault still arrives.
        let written = write(cx, to, sealed.bytes());
        if let Err(error) = ended {
            tell(cx, from);
            return Poll::Ready(Err(Fault::From(error)));
        }
        self.blocked = !written.map_err(Fault::To)?;
        Poll::Ready(Ok(()))
    }

    fn write_kept<B: Side>(&mut self, cx: &mut Context<'_>, to: &mut B) -> Poll<io::Result<()>> {
        let mut kept = mem::take(to.kept().1);
        let mut sent = 0;
        let result = loop {
            if sent == kept.len() {
                break Poll::Ready(Ok(()));
            }
            match Pin::new(to.socket()).poll_write(cx, &kept[sent..]) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) => {
                    sent += more;
                    self.moved = self.moved.wrapping_add(1);
                }
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        kept.drain(..sent);
        if !kept.is_empty() {
            *to.kept().1 = kept;
        }
        result
    }
}

/// Reads behind what is kept. `None` is the end.
fn read<A: Side>(
    cx: &mut Context<'_>,
    from: &mut A,
    input: &mut [u8],
) -> Poll<io::Result<Option<usize>>> {
    let kept = from.kept().0.len();
    if kept >= input.len() {
        // No record is as large as this.
        return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
    }
    let wanted = from.wanted(input.len() - kept);
    let mut space = ReadBuf::new(&mut input[kept..kept + wanted]);
    ready!(Pin::new(from.socket()).poll_read(cx, &mut space))?;
    let came = space.filled().len();
    if came == 0 {
        return Poll::Ready(Ok(None));
    }
    if kept > 0 {
        input[..kept].copy_from_slice(&mem::take(from.kept().0));
    }
    Poll::Ready(Ok(Some(kept + came)))
}

/// Writes what goes at once, and keeps the rest. Returns whether there is no rest.
fn write<B: Side>(cx: &mut Context<'_>, to: &mut B, mut bytes: &[u8]) -> io::Result<bool> {
    while !bytes.is_empty() {
        match Pin::new(to.socket()).poll_write(cx, bytes) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(sent)) => bytes = &bytes[sent..],
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => {
                to.kept().1.extend_from_slice(bytes);
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Tells an end what its bytes call for, as much of it as can be said at once.
fn tell<A: Side>(cx: &mut Context<'_>, from: &mut A) {
    let answer = mem::take(from.kept().1);
    let _ = write(cx, from, &answer);
}

/// What all connections of a thread share while they move bytes.
struct Scratch {
    input: Box<[u8]>,
    sealed: Sealed,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; INPUT].into_boxed_slice(),
        sealed: Sealed::default(),
    });
}

/// Eight full records of TLS 1.3 with the ciphers of today (RFC 8446 section 5.2), so that a download
/// takes few system calls, and more than one of the largest that any peer may send.
const INPUT: usize = 8 * (5 + 16_384 + 1 + 16);
/// So many reads of one direction, then others have their turn.
const STEPS: usize = 8;
/// How long one end may be silent after the other one was done.
const HALF_CLOSED: Duration = Duration::from_secs(60);
/// How long a device may take nothing of what it is sent, and say nothing: it may erase its flash
/// meanwhile. A browser whose words wait in front of its end cannot be seen to leave, and without
/// this would be waited for as long as the device is there. A browser may take its time: people
/// pause downloads.
const BLOCKED: Duration = Duration::from_secs(10 * 60);
