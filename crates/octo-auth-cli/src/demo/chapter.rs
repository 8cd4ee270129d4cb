//! A chapter, and its result with one adapter.

use octo_auth_emulator::Emulator;

use super::adapter::Adapter;
use super::stage::{Stage, Step};
use super::stopped::Stopped;
use crate::failure::Failure;

/// The flows of one provider.
pub(super) struct Chapter {
    /// The short name of the provider.
    pub(super) provider: &'static str,
    pub(super) title: &'static str,
    /// What a newcomer should know before the first step.
    pub(super) about: &'static str,
    /// If the emulator's clock is frozen, the time at which the chapter begins, in milliseconds since
    /// 1970-01-01T00:00:00Z. Only the chapter moves the clock then.
    pub(super) begins: Option<i64>,
    pub(super) play: fn(&mut Stage<'_>) -> Result<(), Stopped>,
}

/// The result of a chapter with one adapter.
pub(super) struct Play {
    pub(super) adapter: &'static str,
    pub(super) steps: Vec<Step>,
}

impl Chapter {
    pub(super) fn play(&self, adapter: &Adapter) -> Result<Play, Failure> {
        let builder = Emulator::builder();
        let builder = self.begins.map_or(builder, |begins| builder.frozen_at(begins));
        let mut stage = Stage::new(adapter, builder.start()?);
        if let Err(Stopped::Unplayable(problem)) = (self.play)(&mut stage) {
            stage.breaks_off(problem);
        }
        Ok(Play { adapter: adapter.name(), steps: stage.into_steps() })
    }
}
