//! Events that name the job they are about by its process and key, so that what happened before can be left out
//! without their meaning another job.

use octo_auth_core::Job;

use super::World;
use super::plan::{Reply, StoreEnd};
use super::process::Carried;

impl World {
    /// The place of the job of a key that has been in flight longest.
    fn oldest(&self, process: usize, key: usize) -> Option<usize> {
        self.processes[process].carried.iter().position(|carried| carried.key == key)
    }

    pub(super) fn end_of(&mut self, process: usize, key: usize, reply: &Reply, end: StoreEnd) {
        if let Some(place) = self.oldest(process, key) {
            self.end(process, place, reply, end);
        }
    }

    pub(super) fn lose_of(&mut self, process: usize, key: usize, done: bool) {
        if let Some(place) = self.oldest(process, key) {
            self.lose(process, place, done);
        }
    }

    /// The process dies before it hears what became of the job, which was carried out.
    pub(super) fn crash_after(&mut self, process: usize, key: usize) {
        if let Some(place) = self.oldest(process, key) {
            let mut carried = self.processes[process].carried.remove(place);
            self.carry_out(process, &mut carried);
        }
        self.crash(process);
    }

    pub(super) fn late_of(&mut self, process: usize, key: usize, reply: &Reply) {
        let place = self.processes[process].orphans.iter().position(|carried| carried.key == key);
        if let Some(place) = place {
            self.arrive(process, place, reply);
        }
    }

    /// Carries a job out whose end nobody hears of now; the answer of a request is on its way.
    pub(super) fn carry_out(&mut self, process: usize, carried: &mut Carried) {
        let is_over = carried.is_over(self.local(process));
        let Carried { job, key, exchange, on_its_way, .. } = carried;
        let name = self.keys[*key].clone();
        match job {
            Job::Send(job) if !is_over && exchange.is_some() => {
                let (outcome, response) = self.ask_server(*exchange, job.request(), &Reply::token(3600));
                *on_its_way = response.map(|response| (outcome, response));
            }
            Job::Claim(job) => {
                self.shelf.leases.claim(&name, job.owner(), job.lasting(), self.now.boot);
            }
            Job::Save(job) => {
                self.write(process, *key, job);
            }
            Job::Release(job) => self.shelf.leases.release(&name, job.owner()),
            Job::Send(_) | Job::Load(_) => {}
        }
    }
}
