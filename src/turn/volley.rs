//! A few datagrams that nobody else can have sent, and which of them arrived. Until one has, all are sent again: on a path
//! that loses every fifth, all of five are lost there and back once in fifteen times, which is no fault of a relay.

use std::time::{Duration, Instant};

use super::model::Cause;
use super::step::{Note, Trouble};

/// How many datagrams each test of data sends.
pub(super) const SIZE: usize = 5;

/// How long they may take in all.
const WAIT: Duration = Duration::from_secs(1);

/// The datagrams of one test.
pub(super) struct Volley {
    pub(super) payloads: Vec<Vec<u8>>,
    arrived: Vec<bool>,
    sent: u32,
    patience: Duration,
    next: Instant,
    end: Instant,
}

impl Volley {
    /// Of these payloads, sent at `now`, and again each time that `patience` is over and none has arrived.
    pub(super) fn new(payloads: Vec<Vec<u8>>, now: Instant, patience: Duration) -> Self {
        let arrived = vec![false; payloads.len()];
        Self { payloads, arrived, sent: 1, patience, next: now + patience, end: now + WAIT }
    }

    /// Until when the next of them is waited for.
    pub(super) fn until(&self) -> Instant {
        match self.any() {
            true => self.end,
            false => self.next.min(self.end),
        }
    }

    /// Marks which of the payloads has arrived; whether it was one of them.
    pub(super) fn mark(&mut self, payload: &[u8]) -> bool {
        let found = self.payloads.iter().position(|sent| sent == payload);
        found.map(|index| self.arrived[index] = true).is_some()
    }

    pub(super) fn all(&self) -> bool {
        !self.arrived.contains(&false)
    }

    pub(super) fn any(&self) -> bool {
        self.arrived.contains(&true)
    }

    pub(super) fn count(&self) -> usize {
        self.arrived.iter().filter(|arrived| **arrived).count()
    }

    /// Whether all are to be sent again: none has arrived, and there is time.
    pub(super) fn again(&mut self, now: Instant) -> bool {
        let again = !self.any() && now < self.end;
        if again {
            self.sent += 1;
            self.next = now + self.patience;
        }
        again
    }

    /// What is noted of them at `place`: nothing where all is well.
    ///
    /// # Errors
    /// None has arrived.
    pub(super) fn judged(&self, place: &str) -> Result<Note, Trouble> {
        let (count, of) = (self.count(), self.arrived.len());
        let again = if self.sent > 1 { format!(", sent {} times", self.sent) } else { String::new() };
        match count {
            0 => Err(Trouble::failed(Cause::Lost, format!("0 of {of} datagrams arrived {place}{again}"))),
            _ if count < of || self.sent > 1 => {
                Ok(Some(format!("{count} of {of} datagrams arrived {place}{again}")))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    fn volley() -> (Volley, Instant) {
        let now = Instant::now();
        (Volley::new(vec![vec![1], vec![2]], now, Duration::from_millis(400)), now)
    }

    #[test]
    fn what_arrives_at_once_is_worth_no_word() {
        let (mut volley, _) = volley();
        assert!(volley.mark(&[1]) && volley.mark(&[2]) && !volley.mark(&[3]));
        assert!(volley.all());
        assert_eq!(volley.judged("here").unwrap(), None);
    }

    #[test]
    fn all_are_sent_again_until_one_arrives() {
        let (mut volley, now) = volley();
        let at = |ms| now + Duration::from_millis(ms);
        assert_eq!(volley.until(), at(400));
        assert!(volley.again(at(400)));
        assert_eq!(volley.until(), at(800));
        assert!(volley.again(at(800)));
        assert_eq!(volley.until(), at(1000));
        volley.mark(&[2]);
        assert_eq!(volley.until(), at(1000));
        assert!(!volley.again(at(1000)));
        assert_eq!(volley.judged("here").unwrap().unwrap(), "1 of 2 datagrams arrived here, sent 3 times");
    }

    #[test]
    fn what_never_arrives_is_a_failure() {
        let (mut volley, now) = volley();
        let end = now + WAIT;
        assert!(!volley.again(end));
        let Err(Trouble::Failed { cause: Cause::Lost, reason, .. }) = volley.judged("here") else { panic!() };
        assert_eq!(reason, "0 of 2 datagrams arrived here");
    }
}
