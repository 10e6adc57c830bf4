//! A scripted call: two connections in one process do what a list of operations says, in its order, and what a browser's
//! test would have written down is written down. Candidates trickle both ways all the time, unless the script says
//! otherwise. A rejected operation is noted, and the next one runs.

mod end;
mod outcome;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, select_biased};

use crate::connection::{OpenError, W3cError};
use crate::jsep::{Association, ErrorName, MediaKind, Role};
use crate::media::Source;
use crate::network::Network;
use crate::plan::{Operation, Step};
use crate::world::World;

use end::End;
pub use outcome::{Checkpoint, FiredTrack, Outcome, Rejected, ScriptRow, SideOutcome};

/// How long ICE may take to connect.
const ICE_DEADLINE: Duration = Duration::from_secs(5);

/// Makes a new track of a kind for a side.
pub type SourceFactory = Box<dyn FnMut(Role, MediaKind) -> Box<dyn Source> + Send + Sync>;

/// What a script needs besides its steps.
pub struct ScriptSetting {
    /// Time, tasks, randomness.
    pub world: Arc<dyn World>,
    /// The sockets of the caller, and those of the callee.
    pub networks: [Arc<dyn Network>; 2],
    /// The local addresses to gather on.
    pub addresses: Vec<IpAddr>,
    /// How an offered m-section finds a transceiver, on both sides.
    pub association: Association,
    /// The sides whose candidates reach the other one.
    pub trickling: Vec<Role>,
    /// Where new tracks come from.
    pub sources: SourceFactory,
}

impl std::fmt::Debug for ScriptSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptSetting")
            .field("world", &self.world)
            .field("association", &self.association)
            .field("trickling", &self.trickling)
            .finish_non_exhaustive()
    }
}

/// Plays `steps` over two new connections, and closes both.
///
/// # Errors
/// A connection could not be made on this machine.
pub async fn play(steps: &[Step], setting: ScriptSetting) -> Result<Outcome, OpenError> {
    let mut script = Script::open(setting).await?;
    for (index, step) in steps.iter().enumerate() {
        if let Err(error) = script.step(step).await {
            let (who, error) = (step.who, error.name);
            script.rejected.push(Rejected { step: index, who, error });
        }
        script.catch_up().await;
    }
    Ok(script.finish().await)
}

struct Script {
    world: Arc<dyn World>,
    trickling: Vec<Role>,
    sources: SourceFactory,
    caller: End,
    callee: End,
    rejected: Vec<Rejected>,
    checkpoints: Vec<Checkpoint>,
}

impl Script {
    async fn open(setting: ScriptSetting) -> Result<Self, OpenError> {
        let caller = End::open(Role::Caller, &setting).await?;
        let callee = End::open(Role::Callee, &setting).await?;
        let ScriptSetting { world, trickling, sources, .. } = setting;
        let (rejected, checkpoints) = (Vec::new(), Vec::new());
        Ok(Self { world, trickling, sources, caller, callee, rejected, checkpoints })
    }

    fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Caller => &mut self.caller,
            Role::Callee => &mut self.callee,
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), W3cError> {
        match (&step.operation, step.who) {
            (Operation::Wait(time), _) => self.wait(*time).await,
            (Operation::WaitIceConnected, _) => return self.wait_ice_connected().await,
            (Operation::Checkpoint, _) => {
                let checkpoint =
                    Checkpoint { caller: self.caller.rows().await, callee: self.callee.rows().await };
                self.checkpoints.push(checkpoint);
            }
            (operation, Some(who)) => return self.operate(who, operation).await,
            (_, None) => {
                return Err(W3cError::new(ErrorName::TypeError, "the step does not say whose it is"));
            }
        }
        Ok(())
    }

    async fn operate(&mut self, who: Role, operation: &Operation) -> Result<(), W3cError> {
        match operation {
            Operation::SetLocalOffer => self.end(who).set_local_offer().await,
            Operation::Deliver => self.deliver(who).await,
            Operation::Offer => self.offer(who).await,
            Operation::CreateAnswer => self.end(who).create_answer().await,
            Operation::ApplyKeptAnswer => self.apply_kept_answer(who).await,
            Operation::Answer => self.answer(who).await,
            Operation::Negotiate => {
                self.offer(who).await?;
                self.answer(who.other()).await
            }
            local => {
                let source = local.new_track().map(|kind| (self.sources)(who, kind));
                self.end(who).operate(local, source).await
            }
        }
    }

    async fn offer(&mut self, who: Role) -> Result<(), W3cError> {
        self.end(who).set_local_offer().await?;
        self.deliver(who).await
    }

    async fn answer(&mut self, who: Role) -> Result<(), W3cError> {
        self.end(who).create_answer().await?;
        self.apply_kept_answer(who).await
    }

    async fn apply_kept_answer(&mut self, who: Role) -> Result<(), W3cError> {
        self.end(who).apply_kept_answer().await?;
        self.deliver(who).await
    }

    /// The other side sets the local description of `who`, then the candidates that have waited for it.
    async fn deliver(&mut self, who: Role) -> Result<(), W3cError> {
        self.catch_up().await;
        let (sdp_type, sdp) = self.end(who).description_for_the_other().await?;
        self.end(who.other()).set_remote(sdp_type, sdp).await?;
        self.catch_up().await;
        Ok(())
    }

    /// Takes note of what has happened so far, and carries the candidates.
    async fn catch_up(&mut self) {
        for who in [Role::Caller, Role::Callee] {
            let found = self.end(who).catch_up().await;
            if self.trickling.contains(&who) {
                self.end(who.other()).take_candidates(found).await;
            }
        }
    }

    async fn wait(&mut self, time: Duration) {
        let world = Arc::clone(&self.world);
        let mut timer = world.sleep(time).fuse();
        loop {
            self.catch_up().await;
            select_biased! {
                () = self.caller.next().fuse() => {}
                () = self.callee.next().fuse() => {}
                () = timer => break,
            }
        }
        self.catch_up().await;
    }

    async fn wait_ice_connected(&mut self) -> Result<(), W3cError> {
        let world = Arc::clone(&self.world);
        let mut timer = world.sleep(ICE_DEADLINE).fuse();
        loop {
            self.catch_up().await;
            let connected = self.caller.is_connected() && self.callee.is_connected();
            // A page looks at intervals: by the time it sees ICE, DTLS has come to its end as well.
            if connected && self.caller.has_settled() && self.callee.has_settled() {
                return Ok(());
            }
            select_biased! {
                () = self.caller.next().fuse() => {}
                () = self.callee.next().fuse() => {}
                () = timer => {
                    let late = || W3cError::new(ErrorName::OperationError, "ICE did not connect in time");
                    return if connected { Ok(()) } else { Err(late()) };
                }
            }
        }
    }

    async fn finish(mut self) -> Outcome {
        self.catch_up().await;
        Outcome {
            caller: self.caller.finish().await,
            callee: self.callee.finish().await,
            rejected: self.rejected,
            checkpoints: self.checkpoints,
        }
    }
}
