//! Native messaging: the extension's requests on standard input, the answers on standard output.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use housekey_core::protocol::{
    FromHelper, HelperError, MAX_REQUEST_BYTES, Request, Response, ToHelper,
};
use native_messaging::host::{NmError, decode_message_opt, encode_message, send_frame};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tracing_subscriber::EnvFilter;

use crate::extension_id;
use crate::handler::Handler;
use crate::paths::Paths;

/// Serves the browser that started this process until it closes standard input.
///
/// `origin` is what the browser says about the extension: an origin in Chrome, an id in Firefox.
///
/// # Errors
///
/// [`MessagingError`], by cause.
pub fn run(origin: &str) -> Result<(), MessagingError> {
    // Standard output is the protocol; standard error goes where the browser's own does.
    let filter = EnvFilter::try_from_env("HOUSEKEY_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // A subscriber that is there already serves as well.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .try_init();
    if !is_our_extension(origin) {
        return Err(MessagingError::Stranger(origin.to_owned()));
    }
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
    let (incoming, mut messages) = mpsc::channel(QUEUE);
    thread::spawn(move || read(input, &incoming));
    thread::spawn(move || write(output, outgoing));
    let helper = Arc::new(Helper {
        paths: paths.clone(),
        handler: Mutex::new(None),
    });
    let places = Arc::new(Semaphore::new(QUEUE));
    while let Some(message) = messages.recv().await {
        let json = message.map_err(MessagingError::Frame)?;
        let (id, request) = match ToHelper::read(&json) {
            Ok(ToHelper { id, request, .. }) => (id, request),
            Err(refusal) => {
                send(&answers, &refusal).await;
                continue;
            }
        };
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let (helper, answers) = (Arc::clone(&helper), answers.clone());
        tokio::spawn(async move {
            let result = helper.handle(request).await;
            send(&answers, &FromHelper::answer(id, result)).await;
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
    async fn handle(&self, request: Request) -> Result<Response, HelperError> {
        let mut handler = self.handler.lock().await;
        let started = match &*handler {
            Some(started) => Arc::clone(started),
            None => Arc::clone(handler.insert(Arc::new(Handler::start(&self.paths).await?))),
        };
        drop(handler);
        started.handle(request).await
    }
}

async fn send(answers: &mpsc::Sender<Vec<u8>>, answer: &FromHelper) {
    match encode_message(answer) {
        // Where nobody reads any more, standard input ends soon too.
        Ok(frame) => drop(answers.send(frame).await),
        Err(error) => tracing::error!(%error, "an answer could not be said"),
    }
}

/// Standard input blocks, so it has a thread of its own.
fn read(mut input: impl Read, incoming: &mpsc::Sender<Result<String, NmError>>) {
    loop {
        let message = match decode_message_opt(&mut input, MAX_REQUEST_BYTES) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let last = message.is_err();
        if incoming.blocking_send(message).is_err() || last {
            return;
        }
    }
}

fn write(mut output: impl Write, mut outgoing: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = outgoing.blocking_recv() {
        if send_frame(&mut output, &frame).is_err() {
            return;
        }
    }
}

/// Requests that are worked on, and answers that wait, at one time.
const QUEUE: usize = 64;
