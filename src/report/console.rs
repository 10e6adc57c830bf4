//! The verdict on one screen, for people.
