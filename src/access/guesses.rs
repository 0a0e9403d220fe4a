//! Guesses at a widget's tickets. Wrong ones make the next wait: of one address at one ticket, of one address at any, of
//! anybody at one ticket, of anybody at one site. The wider the circle, the more it takes, because those in it are no
//! acquaintances; whoever has a ticket's token never waits.
use super::throttle::Throttle;
use crate::{
    api::field::TenantId,
    clock::{Millis, SECOND},
    error::{Code, Error, Result},
};
use std::net::IpAddr;

/// Wrong guesses that cost nothing.
const AN_ADDRESS: u32 = 5;
const A_TICKET: u32 = 30;
const A_SITE: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Circle {
    AddressAtTicket(IpAddr, i64),
    Address(IpAddr),
    Ticket(TenantId, i64),
    Site(TenantId),
}

/// Who guesses at what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guess {
    pub(crate) site: TenantId,
    pub(crate) address: IpAddr,
    /// The ticket's public id.
    pub(crate) ticket: i64,
}

impl Guess {
    fn circles(self) -> [(Circle, u32); 4] {
        [
            (
                Circle::AddressAtTicket(self.address, self.ticket),
                AN_ADDRESS,
            ),
            (Circle::Address(self.address), AN_ADDRESS),
            (Circle::Ticket(self.site, self.ticket), A_TICKET),
            (Circle::Site(self.site), A_SITE),
        ]
    }
}

/// The wrong guesses lately.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Throttle<Circle>);

impl Guesses {
    /// Refuses a guess that comes too early, with the seconds to wait.
    pub(crate) fn admit(&self, guess: Guess, now: Millis) -> Result<()> {
        let wait = guess
            .circles()
            .iter()
            .map(|(circle, _)| self.0.wait(circle, now))
            .max();
        match wait {
            Some(wait) if wait > 0 => {
                Err(Error::new(Code::RateLimited).with("retry_after", wait / SECOND + 1))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn failed(&self, guess: Guess, now: Millis) {
        for (circle, free) in guess.circles() {
            self.0.failed_beyond(circle, free, now);
        }
    }

    /// Whoever knew the ticket is no guesser at it.
    pub(crate) fn succeeded(&self, guess: Guess) {
        self.0
            .succeeded(&Circle::AddressAtTicket(guess.address, guess.ticket));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(host: u8, ticket: i64) -> Guess {
        Guess {
            site: TenantId(1),
            address: IpAddr::from([10, 0, 0, host]),
            ticket,
        }
    }

    #[test]
    fn many_addresses_at_one_ticket_wait_as_well_and_other_tickets_do_not() {
        let guesses = Guesses::default();
        for host in 0..30 {
            guesses.failed(guess(host, 7), 0);
        }
        assert!(guesses.admit(guess(100, 7), 0).is_ok());
        guesses.failed(guess(31, 7), 0);
        assert_eq!(
            guesses.admit(guess(100, 7), 0).unwrap_err().code(),
            Code::RateLimited
        );
        assert!(guesses.admit(guess(100, 8), 0).is_ok());
    }

    #[test]
    fn one_address_waits_after_a_few_whatever_it_guesses_at() {
        let guesses = Guesses::default();
        for ticket in 0..6 {
            guesses.failed(guess(1, ticket), 0);
        }
        assert!(guesses.admit(guess(1, 99), 0).is_err());
        assert!(guesses.admit(guess(2, 99), 0).is_ok());
    }
}
