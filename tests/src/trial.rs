//! Tests whose binary first enters a network of its own.

use std::fmt::Debug;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Builder;

use crate::lan::Lan;

/// Trials named like the functions they run, `module::test`. Each is called with what the closure
/// makes of its name.
#[macro_export]
macro_rules! trials {
    ($stage:expr; $($module:ident :: $test:ident),* $(,)?) => { vec![$({
        let stage = $stage;
        $crate::trial::trial(
            concat!(stringify!($module), "::", stringify!($test)),
            move || $module::$test(stage(stringify!($test))),
        )
    }),*] };
}

/// What a test may end with.
pub trait Outcome {
    /// What is said of it.
    fn outcome(self) -> Result<(), Failed>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl<E: Debug> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), Failed> {
        self.map_err(|error| format!("{error:?}").into())
    }
}

/// Enters the private network and runs these trials there, one after the other: all of them have
/// their devices at the same addresses.
pub fn run(trials: impl FnOnce(Lan) -> Vec<Trial>) -> Result<()> {
    let lan = Lan::enter()?;
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials(lan)).exit()
}

/// A trial with a runtime of its own.
pub fn trial<F>(name: &str, test: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output: Outcome>,
{
    Trial::test(name, move || {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all();
        runtime.build()?.block_on(test()).outcome()
    })
}
