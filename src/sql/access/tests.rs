//! Whether statements are let through: in the session, where there are accounts.
