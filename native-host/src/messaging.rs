//! Native messaging: the extension's requests on standard input, the answers on standard output.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use housekey_core::error::ErrorCode;
use housekey_core::mark::ListMark;
use housekey_core::protocol::{
    Answer, FromHelper, HelperError, MAX_REQUEST_BYTES, Request, Response, ToHelper,
};
use native_messaging::host::{NmError, encode_message, send_frame};
use tokio::sync::{Mutex, Semaphore, mpsc};

use crate::extension_id;
use crate::handler::{Handler, check_up};
use crate::log;
use crate::paths::Paths;

/// Serves the browser that started this process until it closes standard input.
///
/// `origin` is what the browser says about the extension: an origin in Chrome, an id in Firefox.
///
/// # Errors
///
/// [`MessagingError`], by cause.
pub fn run(origin: &str) -> Result<(), MessagingError> {
    log::begin();
    if !is_our_extension(origin) {
        return Err(MessagingError::Stranger(origin.to_owned()));
    }
    // Random numbers take their first seed from the jitter of the processor's clock, besides the
    // system's, which lasts tens of milliseconds. It begins before the browser's first request.
    thread::spawn(|| aws_lc_rs::rand::fill(&mut [0]));
    let paths = Paths::of_this_user().map_err(|error| MessagingError::Start(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| MessagingError::Start(error.to_string()))?;
    let result = runtime.block_on(serve(&paths, io::stdin(), io::stdout()));
    // Connections do not outlive the browser's own wish for them.
    runtime.shutdown_background();
    result
}

/// Why a browser is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessagingError {
    /// A frame was broken, so nothing after it can be trusted to be one.
    #[error("the browser's messages cannot be read any more: {0}")]
    Frame(NmError),
    /// The process cannot work.
    #[error("the helper cannot start: {0}")]
    Start(String),
    /// Another extension than Housekey's asks.
    #[error("only the Housekey extension may start the helper, and `{0}` is not it")]
    Stranger(String),
}

/// Whether this is Housekey's own extension, whatever the browser's manifest lets through.
#[must_use]
pub fn is_our_extension(origin: &str) -> bool {
    let chrome = origin
        .strip_prefix("chrome-extension://")
        .map(|rest| rest.trim_end_matches('/'));
    chrome == Some(extension_id::CHROME) || origin == extension_id::FIREFOX
}

async fn serve(
    paths: &Paths,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> Result<(), MessagingError> {
    let (answers, outgoing) = mpsc::channel(QUEUE);
    let (incoming, mut messages) = mpsc::channel(READ_AHEAD);
    thread::spawn(move || read(input, &incoming));
    thread::spawn(move || write(output, outgoing));
    let helper = Arc::new(Helper {
        paths: paths.clone(),
        handler: Mutex::new(None),
    });
    let places = Arc::new(Semaphore::new(PLACES as usize));
    while let Some(message) = messages.recv().await {
        let Message { read, weight } = message.map_err(MessagingError::Frame)?;
        let (id, request) = match read {
            Ok(ToHelper { id, request, .. }) => (id, request),
            Err(refusal) => {
                send(&answers, &refusal).await;
                continue;
            }
        };
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_many_owned(weight).await else {
            break;
        };
        // Whoever waits for a slow device or for news is no work, and must not hold up what is.
        let waits = matches!(
            request,
            Request::Meeting { .. } | Request::Sites { known: Some(_) }
        );
        let place = (!waits).then_some(place);
        let (helper, answers) = (Arc::clone(&helper), answers.clone());
        tokio::spawn(async move {
            send(&answers, &helper.answer(id, request).await).await;
            drop(place);
        });
    }
    Ok(())
}

/// The handler, which is started by the first request that finds it missing.
///
/// Where it cannot start, the process is there all the same to say why, and the next request
/// tries again: the person may have mended it meanwhile.
struct Helper {
    paths: Paths,
    handler: Mutex<Option<Arc<Handler>>>,
}

impl Helper {
    async fn answer(&self, id: u32, request: Request) -> FromHelper {
        let result = self.handle(request).await;
        let mark = match (&result, &*self.handler.lock().await) {
            (Ok(_), Some(handler)) => handler.mark(),
            _ => None,
        };
        FromHelper {
            mark,
            ..FromHelper::answer(id, result)
        }
    }

    async fn handle(&self, request: Request) -> Result<Response, HelperError> {
        let mut handler = self.handler.lock().await;
        let started = match &*handler {
            Some(started) => Arc::clone(started),
            None => match Handler::start(&self.paths, seen_by(&request)).await {
                Ok(started) => Arc::clone(handler.insert(Arc::new(started))),
                // Why it cannot is what this request wants to know.
                Err(_) if request == Request::CheckUp => {
                    drop(handler);
                    return check_up(&self.paths, None).await;
                }
                Err(error) => return Err(error),
            },
        };
        drop(handler);
        started.handle(request).await
    }
}

/// What a browser saw of the store before, if that is what it says.
const fn seen_by(request: &Request) -> Option<&ListMark> {
    match request {
        Request::Hello { seen, .. } => seen.as_ref(),
        _ => None,
    }
}

async fn send(answers: &mpsc::Sender<Vec<u8>>, answer: &FromHelper) {
    let frame = encode_message(answer).or_else(|error| {
        tracing::error!(%error, "an answer could not be said");
        // Nobody shall wait for it: that it is too long can be said.
        encode_message(&FromHelper {
            answer: Answer::Error(HelperError {
                code: ErrorCode::BadMessage,
                detail: error.to_string(),
            }),
            ..answer.clone()
        })
    });
    if let Ok(frame) = frame {
        // Where nobody reads any more, standard input ends soon too.
        answers.send(frame).await.ok();
    }
}

/// Standard input blocks, so it has a thread of its own.
///
/// What is read is also parsed there: a large file of devices does not hold connections up.
fn read(mut input: impl Read, incoming: &mpsc::Sender<Result<Message, NmError>>) {
    loop {
        let message = match receive(&mut input, MAX_REQUEST_BYTES) {
            Ok(Some(json)) => Ok(Message {
                read: ToHelper::read(&json),
                weight: weight(json.len()),
            }),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let last = message.is_err();
        if incoming.blocking_send(message).is_err() || last {
            return;
        }
    }
}

/// A message of the browser's.
struct Message {
    /// What it says, or the answer to what cannot be read.
    read: Result<ToHelper, FromHelper>,
    /// How many of the [`PLACES`] it takes.
    weight: u32,
}

/// Reads one frame, or nothing where the browser closed its side between two.
///
/// Memory grows with what arrives. A header alone takes none, whatever length it claims:
/// that is why this does not leave the reading to the library, which takes it all at once.
pub(crate) fn receive(input: &mut impl Read, max: usize) -> Result<Option<String>, NmError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    input
        .by_ref()
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)
        .map_err(NmError::Io)?;
    if header.is_empty() {
        return Ok(None);
    }
    let cut = || NmError::Io(io::ErrorKind::UnexpectedEof.into());
    let length = u32::from_ne_bytes(header.try_into().map_err(|_| cut())?);
    let len = length as usize;
    if len > max {
        return Err(NmError::IncomingTooLarge { len, max });
    }
    let mut body = Vec::new();
    let read = input.take(length.into()).read_to_end(&mut body);
    if read.map_err(NmError::Io)? < len {
        return Err(cut());
    }
    String::from_utf8(body)
        .map(Some)
        .map_err(NmError::IncomingNotUtf8)
}

/// How many of the [`PLACES`] a message of this length takes while it is worked on.
fn weight(length: usize) -> u32 {
    let places = length.div_ceil(MAX_REQUEST_BYTES.div_ceil(HEAVIEST as usize));
    u32::try_from(places).unwrap_or(HEAVIEST).clamp(1, HEAVIEST)
}

fn write(mut output: impl Write, mut outgoing: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = outgoing.blocking_recv() {
        if send_frame(&mut output, &frame).is_err() {
            return;
        }
    }
}

/// Requests that are worked on at one time, by weight: so many small ones, or two of the largest.
const PLACES: u32 = 2 * HEAVIEST;
/// The weight of the largest.
const HEAVIEST: u32 = 64;
/// Answers that wait at one time.
const QUEUE: usize = 64;
/// Requests that were read and wait at one time; each may be large.
const READ_AHEAD: usize = 1;
/// A length in the computer's own byte order stands before each message.
const HEADER_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use housekey_core::site::Allowance;
    use housekey_core::text::SafeText;
    use housekey_core::time::Timestamp;

    use super::*;

    /// Says how large a buffer it was ever given.
    struct Watched<'d> {
        data: &'d [u8],
        largest: usize,
    }

    impl Read for Watched<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.largest = self.largest.max(buffer.len());
            self.data.read(buffer)
        }
    }

    fn frame(length: u32, body: &[u8]) -> Vec<u8> {
        [&length.to_ne_bytes(), body].concat()
    }

    #[test]
    fn memory_grows_with_what_arrives() {
        let claims_all = u32::try_from(MAX_REQUEST_BYTES).unwrap();
        let data = frame(claims_all, b"{}");
        let mut input = Watched {
            data: &data,
            largest: 0,
        };
        receive(&mut input, MAX_REQUEST_BYTES).expect_err("it was cut");
        assert!(input.largest <= 65_536, "{} bytes", input.largest);
        let data = frame(claims_all + 1, b"{}");
        let mut input = Watched {
            data: &data,
            largest: 0,
        };
        let error = receive(&mut input, MAX_REQUEST_BYTES).unwrap_err();
        assert!(matches!(error, NmError::IncomingTooLarge { .. }), "{error}");
        assert!(input.largest <= HEADER_BYTES, "its body was read");
    }

    #[test]
    fn frames_are_read_one_by_one() {
        let data = [frame(2, b"{}"), frame(0, b""), frame(3, "ä!".as_bytes())].concat();
        let mut input = &data[..];
        let mut next = || receive(&mut input, 9).unwrap();
        assert_eq!(next().as_deref(), Some("{}"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("ä!"));
        assert_eq!(next(), None);
        receive(&mut &frame(10, b"0123456789")[..], 9).expect_err("too long");
        receive(&mut &[1, 0][..], 9).expect_err("a cut header");
    }

    #[test]
    fn a_message_weighs_what_it_holds() {
        assert_eq!((weight(0), weight(65_536)), (1, 1));
        assert_eq!(weight(MAX_REQUEST_BYTES / 2), HEAVIEST / 2);
        assert_eq!(weight(MAX_REQUEST_BYTES), HEAVIEST);
        assert_eq!(weight(usize::MAX), HEAVIEST);
    }

    #[tokio::test]
    async fn what_is_too_long_to_say_is_answered_nevertheless() {
        let sites = Vec::from_iter((0..20_000).map(|site| Allowance {
            site: format!("{site}.cameras.example").parse().unwrap(),
            endpoint: "192.168.1.20".parse().unwrap(),
            since: Timestamp(0),
            name: SafeText::default(),
        }));
        let (answers, mut outgoing) = mpsc::channel(1);
        let answer = FromHelper::answer(7, Ok(Response::Sites { sites }));
        send(&answers, &answer).await;
        let frame = outgoing.try_recv().unwrap();
        let said: FromHelper = serde_json::from_slice(&frame[HEADER_BYTES..]).unwrap();
        assert_eq!(said.id, Some(7));
        assert!(matches!(said.answer, Answer::Error(_)));
    }
}
