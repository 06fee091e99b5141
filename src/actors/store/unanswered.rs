//! What it means that a region gave no answer: within a process as over the bridge.

use crate::actors::runtime::{AskError, SendError};
use crate::common::RegionId;
use crate::common::retry::Effect;
use crate::storage::txn::{Busy, RegionError, RequestError};

/// The error of a request with this effect. What may have been done is not known to be undone.
pub fn unanswered(region_id: RegionId, error: &AskError, effect: Effect) -> RequestError {
    let lost = |otherwise| RegionError::unanswered(region_id, effect, otherwise);
    let elsewhere = RegionError::NotLeader { region_id, leader: None };
    let error = match error {
        // Another attempt would end in the same way.
        AskError::Send(SendError::TooLarge(_)) | AskError::TooLarge(_) => {
            return RequestError::TooLarge(error.to_string());
        }
        AskError::Send(SendError::Overloaded(_)) => RegionError::ServerIsBusy(Busy::Mailbox),
        // Nobody there takes requests: the store is not open, or the region's peer is gone.
        AskError::Send(SendError::Stopped(_)) => RegionError::RegionNotFound(region_id),
        // Nothing was sent. The store may be gone, and another replica lead: the route is asked for anew.
        AskError::Send(SendError::Unreachable(_)) => elsewhere,
        AskError::Lost(_) => lost(elsewhere),
        AskError::Timeout(_) | AskError::NoReply(_) | AskError::Failed(_) => {
            lost(RegionError::ServerIsBusy(Busy::NoAnswer))
        }
    };
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::runtime::ActorPath;

    #[test]
    fn what_was_certainly_not_sent_is_tried_again() {
        let (id, path) = (RegionId(7), || ActorPath::new("/b/store-1"));
        let unsent = AskError::from(SendError::Unreachable(path()));
        let elsewhere = RegionError::NotLeader { region_id: id, leader: None }.into();
        for effect in [Effect::Read, Effect::Look, Effect::Change, Effect::Decide] {
            assert_eq!(unanswered(id, &unsent, effect), elsewhere);
        }
        for effect in [Effect::Read, Effect::Look] {
            assert_eq!(unanswered(id, &AskError::Lost(path()), effect), elsewhere);
            let busy = RegionError::ServerIsBusy(Busy::NoAnswer).into();
            assert_eq!(unanswered(id, &AskError::Timeout(path()), effect), busy);
        }
        for error in [AskError::Lost(path()), AskError::Timeout(path()), AskError::NoReply(path())]
        {
            for effect in [Effect::Change, Effect::Decide] {
                assert_eq!(unanswered(id, &error, effect), RegionError::Undetermined(id).into());
            }
        }
        for error in [SendError::TooLarge(path()).into(), AskError::TooLarge(path())] {
            let refused = unanswered(id, &error, Effect::Decide);
            assert!(matches!(refused, RequestError::TooLarge(_)));
        }
    }
}
