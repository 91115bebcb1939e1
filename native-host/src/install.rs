//! Putting the helper into daily use: first everything is looked at and planned, then the person
//! is told, and only then is anything changed. What is right already is left alone.

mod command;
mod consent;
mod manifest;
mod program;
mod record;
mod step;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};

use crate::authority::{Authority, AuthorityError};
use crate::browsers::{Explicit, Remark, Survey};
use crate::paths::{Paths, shown};
use crate::platform::{Platform, files};
use crate::renewal;
use crate::trust_store::{TrustStore, TrustStoreError};

pub use command::Command;
pub(crate) use command::leads_to;
pub use consent::explain;
pub use manifest::chrome_origin;
pub use program::{VERSION, is_same_program, newer_package, version_of};
pub use record::{Record, RecordError};
pub use step::Step;

/// What a person asks of the installer.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Places besides those that are found.
    pub explicit: Explicit,
    /// Whether certificate stores stay as they are.
    pub helper_only: bool,
    /// Further local names, in canonical form.
    pub local_names: Vec<String>,
}

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// The steps, in the order in which they are done.
    pub steps: Vec<Step>,
    /// What is right already, for people.
    pub right: Vec<String>,
    /// What a person should know about browsers that cannot be served.
    pub remarks: Vec<String>,
    record: Record,
}

impl Plan {
    /// Looks at everything and decides what has to be done. Nothing is changed.
    ///
    /// # Errors
    ///
    /// If something is in a state in which nothing should be changed: a data directory that others
    /// can enter, a damaged record, a certificate store that cannot be read, no `certutil`.
    pub fn make(
        platform: &dyn Platform,
        paths: &Paths,
        request: &Request,
        now: SystemTime,
    ) -> anyhow::Result<Self> {
        if fs::symlink_metadata(paths.data()).is_ok() {
            paths.check()?;
        }
        let mut record = Record::load(paths)?;
        record
            .local_names
            .extend(request.local_names.iter().cloned());
        let Explicit {
            firefox_profiles,
            chromium_user_data_dirs,
        } = request.explicit.clone();
        record.firefox_profiles.extend(firefox_profiles);
        record
            .chromium_user_data_dirs
            .extend(chromium_user_data_dirs);
        let survey = platform.survey(&record.explicit())?;
        let mut plan = Self {
            steps: Vec::new(),
            right: Vec::new(),
            remarks: survey.remarks.iter().map(Remark::text).collect(),
            record,
        };
        plan.program(platform, paths)?;
        plan.authority(paths, request, &survey, now)?;
        plan.manifests(platform, paths, &survey);
        if survey.hosts.is_empty() {
            plan.remarks.push(
                "no browser was found that Housekey can serve; install one, then run this again"
                    .into(),
            );
        }
        Ok(plan)
    }

    /// Whether the plan gives a browser a new authority to trust, which only the person may allow.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Trust(_)))
    }

    /// The names that are local besides the usual suffixes.
    #[must_use]
    pub const fn local_names(&self) -> &BTreeSet<String> {
        &self.record.local_names
    }

    /// Every file that the steps write or remove, in the order of the steps.
    #[must_use]
    pub fn files(&self, paths: &Paths) -> Vec<PathBuf> {
        let mut files = vec![paths.install_record()];
        files.extend(self.steps.iter().flat_map(|step| step.files(paths)));
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// Does the steps, and tells each with its result. A step that fails does not stop the others.
    ///
    /// # Errors
    ///
    /// If nothing could be begun, or any step failed.
    pub fn execute(
        &self,
        platform: &dyn Platform,
        paths: &Paths,
        now: SystemTime,
        tell: &mut dyn FnMut(&Step, &anyhow::Result<()>),
    ) -> anyhow::Result<()> {
        let mut record = self.record_of_everything(platform, paths);
        paths.prepare()?;
        if Record::load(paths)? != record {
            record.save(paths)?;
        }
        let mut failed = 0;
        for step in &self.steps {
            let result = step.execute(platform, paths, &record, now);
            failed += usize::from(result.is_err());
            tell(step, &result);
        }
        let before = record.clone();
        record.note_states(platform);
        if record != before {
            record.save(paths)?;
        }
        match failed {
            0 => Ok(()),
            1 => bail!("one step failed; see above, then run `housekey install` again"),
            _ => bail!("{failed} steps failed; see above, then run `housekey install` again"),
        }
    }

    fn program(&mut self, platform: &dyn Platform, paths: &Paths) -> anyhow::Result<()> {
        let from = match newer_package(platform) {
            Some((packaged, _)) => packaged,
            None => env::current_exe().context("cannot find this program's own file")?,
        };
        let to = paths.installed_binary();
        match is_same_program(&from, &to) && files::is_owners_program(&to) {
            true => self.right.push(format!("the helper is at {}", shown(&to))),
            false => self.steps.push(Step::CopyProgram { from, to }),
        }
        self.command(platform, paths);
        Ok(())
    }

    fn command(&mut self, platform: &dyn Platform, paths: &Paths) {
        match Command::survey(platform, &paths.installed_binary()) {
            Command::Missing(link) => self.steps.push(Step::Link(link)),
            Command::Ours(link) => self.right.push(format!("its command is {}", shown(&link))),
            Command::Brought | Command::None => {}
        }
    }

    fn authority(
        &mut self,
        paths: &Paths,
        request: &Request,
        survey: &Survey,
        now: SystemTime,
    ) -> anyhow::Result<()> {
        let (authority, why_new) = usable_authority(paths, &self.record, now)?;
        if authority.is_some() {
            self.right.push("the local authority is made".into());
        }
        let stores = if request.helper_only {
            Vec::new()
        } else {
            stores(survey)?
        };
        // While the authority follows itself, two of its roots are in the stores.
        let welcome = match authority {
            Some(_) => renewal::welcome(paths, now),
            None => Vec::new(),
        };
        let mut to_trust = Vec::new();
        for store in stores {
            let mut has_it = false;
            for entry in store.entries()? {
                if authority
                    .as_ref()
                    .is_some_and(|known| entry.is(known.root()))
                {
                    has_it = true;
                } else if !welcome.iter().any(|root| entry.is(root)) {
                    self.steps.push(Step::Distrust(Rc::clone(&store), entry));
                }
            }
            match has_it {
                true => self
                    .right
                    .push(format!("it is trusted by {}", store.title())),
                false => to_trust.push(Step::Trust(store)),
            }
        }
        // The old root is taken out everywhere before the new one is made.
        self.steps
            .extend(why_new.map(|why| Step::MakeAuthority { why }));
        self.steps.extend(to_trust);
        Ok(())
    }

    fn manifests(&mut self, platform: &dyn Platform, paths: &Paths, survey: &Survey) {
        for host in &survey.hosts {
            match host.is_right(platform, &paths.installed_binary()) {
                true => self
                    .right
                    .push(format!("{} knows where the helper is", host.browser)),
                false => self.steps.push(Step::Register(host.clone())),
            }
        }
    }

    /// The record as it has to stand before the first step.
    fn record_of_everything(&self, platform: &dyn Platform, paths: &Paths) -> Record {
        let mut record = self.record.clone();
        record.strike_used_databases(platform);
        record.note_missing_directories(paths.data());
        for step in &self.steps {
            match step {
                Step::Register(host) => {
                    record.note_missing_directories(&host.manifest);
                    record.manifests.insert(host.manifest.clone());
                }
                Step::Trust(store) => {
                    let directory: PathBuf = store.location().into();
                    if !store.exists() {
                        record.note_missing_directories(&directory.join("cert9.db"));
                        record
                            .made_databases
                            .insert(directory.clone(), String::new());
                    }
                    record.databases.insert(directory);
                }
                Step::Link(link) => {
                    record.note_missing_directories(link);
                    record.commands.insert(link.clone());
                }
                Step::CopyProgram { .. } | Step::Distrust(..) | Step::MakeAuthority { .. } => {}
            }
        }
        record
    }
}

/// The local names of this installation, besides the usual suffixes.
///
/// None where there is no record, or none that can be read: fewer names are the safer reading.
#[must_use]
pub fn local_names(paths: &Paths) -> Vec<String> {
    let record = Record::load(paths).unwrap_or_default();
    record.local_names.into_iter().collect()
}

/// The certificate stores of the browsers that were found.
fn stores(survey: &Survey) -> Result<Vec<Rc<dyn TrustStore>>, TrustStoreError> {
    survey.stores.iter().try_for_each(|it| it.check_tool())?;
    Ok(survey.stores.clone())
}

/// The authority if it can stay, or why a new one is needed.
fn usable_authority(
    paths: &Paths,
    record: &Record,
    now: SystemTime,
) -> anyhow::Result<(Option<Authority>, Option<String>)> {
    let why = match Authority::load(paths, now) {
        Ok(authority) => {
            let covers = |name: &String| authority.local_names().contains(name);
            if !record.local_names.iter().all(covers) {
                "it has to permit further local names".into()
            } else if authority.expires() < now + RENEWED_BEFORE_ITS_END {
                "the old one ends soon".into()
            } else {
                return Ok((Some(authority), None));
            }
        }
        Err(AuthorityError::Missing) => "there is none yet".into(),
        // Somebody else's file or an open one is not ours to replace.
        Err(AuthorityError::Files(error)) if !error.is_absent() => return Err(error.into()),
        Err(error) => format!("the old one cannot be used: {}", error.code()),
    };
    Ok((None, Some(why)))
}

const RENEWED_BEFORE_ITS_END: Duration = Duration::from_secs(30 * 24 * 60 * 60);
