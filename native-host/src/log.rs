//! What is told to whoever looks for a fault: on standard error, as much as `HOUSEKEY_LOG` asks for.

use std::{env, io};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Begins to log: warnings, or what `HOUSEKEY_LOG` says (`debug`, or `warn,housekey::gateway=trace`).
///
/// Standard output is never written to: with a browser it is the protocol.
pub fn begin() {
    let asked = env::var("HOUSEKEY_LOG").ok();
    let filter = asked.and_then(|asked| asked.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let subscriber = tracing_subscriber::registry().with(lines).with(filter);
    // Whoever logs already serves as well.
    let _ = subscriber.try_init();
}
