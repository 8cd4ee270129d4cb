//! What is measured, and how a measurement is made.

use std::hint::black_box;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::turns::own_cpu;

/// A list of addresses.
pub(crate) trait Subject: Sized + 'static {
    const NAME: &'static str;
    /// Whether it examines every rule, so that with many rules there is time for few lookups only.
    const SCANS: bool = false;

    fn build(rules: &[Ipv4Net]) -> Self;

    fn holds(&self, address: Ipv4Addr) -> bool;
}

/// A built list, ready to be measured beside others.
pub(crate) trait Built {
    fn name(&self) -> &'static str;
    fn scans(&self) -> bool;
    /// Returns how many of the addresses it contains.
    fn count(&self, addresses: &[Ipv4Addr]) -> usize;
    /// Returns the bytes of its heap memory.
    fn bytes(&self) -> f64;
    /// Builds it again. Returns the time in nanoseconds.
    fn build(&self, rules: &[Ipv4Net]) -> f64;
}

struct Measured<S> {
    subject: S,
    bytes: i64,
}

impl<S: Subject> Built for Measured<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn scans(&self) -> bool {
        S::SCANS
    }

    #[inline(never)]
    fn count(&self, addresses: &[Ipv4Addr]) -> usize {
        addresses.iter().filter(|address| self.subject.holds(**address)).count()
    }

    fn bytes(&self) -> f64 {
        self.bytes as f64
    }

    fn build(&self, rules: &[Ipv4Net]) -> f64 {
        let begun = own_cpu();
        let subject = S::build(black_box(rules));
        let took = own_cpu() - begun;
        drop(black_box(subject));
        took
    }
}

/// Builds a list and counts its memory.
pub(crate) fn built<S: Subject>(rules: &[Ipv4Net]) -> Box<dyn Built> {
    let mut subject = None;
    let kept = allocation_counter::measure(|| subject = Some(S::build(rules)));
    let subject = subject.unwrap_or_else(|| S::build(rules));
    Box::new(Measured { subject, bytes: kept.bytes_current })
}
