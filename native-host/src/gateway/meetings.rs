//! Meetings that are going on with devices that have no pin, for people who wait.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use housekey_core::decision::Failure;
use housekey_core::endpoint::Endpoint;
use housekey_core::meeting::{Meeting, MeetingStep};
use tokio::sync::watch;

use super::Gateway;
use super::recent::Recent;
use crate::chain::timestamp;
use crate::danger::Stranger;

/// At most one for each endpoint: the first of those that go on at one time.
#[derive(Default)]
pub(super) struct Meetings {
    underway: Mutex<HashMap<Endpoint, watch::Sender<Meeting>>>,
    /// Where the browser was content by itself the last time. There its own navigation goes on,
    /// however long it takes: what would come of the meeting is that very navigation.
    fine: Recent<()>,
}

/// A meeting, until it ends. Its outcome is remembered before that.
pub(super) struct Underway<'m> {
    meetings: &'m Meetings,
    endpoint: &'m Endpoint,
}

impl Meetings {
    /// How far a meeting is, as soon as it is at another step than this one; nothing when it has
    /// ended, or where there is none of which a person should hear.
    pub(super) async fn after(
        &self,
        endpoint: &Endpoint,
        known: Option<MeetingStep>,
    ) -> Option<Meeting> {
        let mut meeting = self.lock().get(endpoint)?.subscribe();
        let news = meeting.wait_for(|meeting| Some(meeting.step) != known);
        news.await.ok().map(|meeting| *meeting)
    }

    /// A meeting begins, if a person should hear of it.
    fn begin<'m>(&'m self, endpoint: &'m Endpoint) -> Option<Underway<'m>> {
        let mut underway = self.lock();
        if underway.contains_key(endpoint) || self.fine.with(endpoint, |(), _| ()).is_some() {
            return None;
        }
        let meeting = Meeting {
            since: timestamp(SystemTime::now()),
            step: MeetingStep::Connecting,
        };
        underway.insert(endpoint.clone(), watch::Sender::new(meeting));
        Some(Underway {
            meetings: self,
            endpoint,
        })
    }

    /// What came of a meeting: whether the browser is content with the device by itself.
    pub(super) fn found(&self, endpoint: &Endpoint, fine: bool) {
        if fine {
            self.fine.insert(endpoint.clone(), ());
        } else {
            self.fine.remove(endpoint);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, watch::Sender<Meeting>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Underway<'_> {
    fn is_at(&self, step: MeetingStep) {
        if let Some(meeting) = self.meetings.lock().get(self.endpoint) {
            meeting.send_modify(|meeting| meeting.step = step);
        }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.meetings.lock().remove(self.endpoint);
    }
}

impl Gateway {
    /// How far the meeting with the device at an endpoint without a pin is, as soon as it is at
    /// another step than this one; nothing when it has ended, or where there is none.
    pub async fn meeting(
        &self,
        endpoint: &Endpoint,
        known: Option<MeetingStep>,
    ) -> Option<Meeting> {
        self.meetings.after(endpoint, known).await
    }

    /// Meets whoever is at an endpoint without a pin. Nothing that the browser does ends it.
    pub(super) async fn meet_stranger<'m>(
        &'m self,
        endpoint: &'m Endpoint,
        alpn: Vec<Vec<u8>>,
    ) -> (Result<Stranger, Failure>, Option<Underway<'m>>) {
        let underway = self.meetings.begin(endpoint);
        let met = match self.dial(endpoint).await {
            Ok(socket) => {
                if let Some(underway) = &underway {
                    underway.is_at(MeetingStep::Handshaking);
                }
                self.prober.meet_over(socket, endpoint, alpn).await
            }
            Err(failure) => Err(failure),
        };
        (met, underway)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        "192.168.1.20".parse().unwrap()
    }

    #[tokio::test]
    async fn each_step_is_told_once_and_the_end() {
        let (meetings, endpoint) = (Meetings::default(), endpoint());
        assert_eq!(meetings.after(&endpoint, None).await, None);
        let underway = meetings.begin(&endpoint).unwrap();
        assert!(meetings.begin(&endpoint).is_none(), "one is enough");
        let step = meetings.after(&endpoint, None).await.unwrap().step;
        assert_eq!(step, MeetingStep::Connecting);
        let next = async { meetings.after(&endpoint, Some(step)).await.unwrap().step };
        let go_on = async { underway.is_at(MeetingStep::Handshaking) };
        let (next, ()) = tokio::join!(next, go_on);
        assert_eq!(next, MeetingStep::Handshaking);
        let end = meetings.after(&endpoint, Some(next));
        let (end, ()) = tokio::join!(end, async { drop(underway) });
        assert_eq!(end, None);
        assert!(meetings.begin(&endpoint).is_some(), "it can be met again");
    }

    /// A page would end the browser's navigation, and lead to that very navigation, for ever.
    #[test]
    fn nobody_waits_where_the_browser_was_content() {
        let (meetings, endpoint) = (Meetings::default(), endpoint());
        meetings.found(&endpoint, true);
        assert!(meetings.begin(&endpoint).is_none());
        meetings.found(&endpoint, false);
        assert!(meetings.begin(&endpoint).is_some());
    }
}
