//! Who made which description, and what it is, where the files do not say so.

use std::sync::Arc;

use super::ExplainError;
use super::input::{Description, Input};
use crate::diagnose::{Confidence, Findings, Layer};
use crate::facts::Facts;
use crate::jsep::{Role, SdpFacts, SdpType, Side};

/// A description with its author.
#[derive(Clone, Debug)]
pub(super) struct Authored {
    /// The file, or the event.
    pub(super) name: String,
    pub(super) author: Role,
    pub(super) sdp_type: SdpType,
    pub(super) typed: Typed,
    pub(super) text: String,
    pub(super) sdp: Arc<SdpFacts>,
    pub(super) delivered: bool,
}

/// How the type of a description is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// It came with the description.
    Stated,
    /// By `a=setup`.
    Role,
    /// By the name of the file, or by whose turn it was.
    Guessed,
}

/// Gives each description its author and type, and says what was inferred.
pub(super) fn infer(
    found: Vec<(&Input, Description)>,
    said: &mut Vec<String>,
) -> Result<Vec<Authored>, ExplainError> {
    let several = |name: &str| found.iter().filter(|(input, _)| input.name == name).count() > 1;
    let mut known = Known::default();
    let mut list: Vec<Authored> = Vec::new();
    let mut inferred = Vec::new();
    for (number, (input, description)) in found.iter().enumerate() {
        let sdp = SdpFacts::parse(&description.text);
        let name =
            if several(&input.name) { format!("{}#{}", input.name, number + 1) } else { input.name.clone() };
        let (sdp_type, typed) = match description.sdp_type {
            Some(stated) => (stated, Typed::Stated),
            None => kind(&input.name, &sdp, &list, later_offer(&found, number)),
        };
        let author = match input.author {
            Some(author) => author,
            None => author(&sdp, sdp_type, &known, &list),
        };
        match (input.author, description.sdp_type) {
            (Some(_), Some(_)) => {}
            (Some(_), None) => inferred.push(format!("{name} is an {sdp_type}")),
            (None, Some(_)) => inferred.push(format!("{name} is the {author}'s")),
            (None, None) => inferred.push(format!("{name} is the {author}'s {sdp_type}")),
        }
        known.learn(&sdp, author);
        let delivered = !input.undelivered;
        list.push(Authored {
            name,
            author,
            sdp_type,
            typed,
            text: description.text.clone(),
            sdp: Arc::new(sdp),
            delivered,
        });
    }
    if !inferred.is_empty() {
        let authors = found.iter().any(|(input, _)| input.author.is_none());
        let types = found.iter().any(|(_, description)| description.sdp_type.is_none());
        let marks = match (authors, types) {
            (true, true) => "`a=fingerprint`, `o=` and `a=setup`",
            (true, false) => "`a=fingerprint` and `o=`",
            (false, _) => "`a=setup`",
        };
        said.push(format!("inferred from {marks}: {}", inferred.join(", ")));
    }
    ignored(&mut list, said);
    unheard(&list, said);
    let first = &list[0];
    let is_answer = |known: &Authored| matches!(known.sdp_type, SdpType::Answer | SdpType::Pranswer);
    if is_answer(first) {
        if list.len() > 1 {
            return Err(ExplainError::Order { name: first.name.clone() });
        }
        said.push(format!("{}: an answer without its offer is looked at by itself", first.name));
    }
    Ok(list)
}

/// An offer that crossed another one, and whose author answers that one next, was taken back: it has done nothing at the
/// other side.
fn ignored(list: &mut [Authored], said: &mut Vec<String>) {
    for number in 1..list.len().saturating_sub(1) {
        let (before, here, after) = (&list[number - 1], &list[number], &list[number + 1]);
        let crossed = before.sdp_type == SdpType::Offer
            && here.sdp_type == SdpType::Offer
            && before.author != here.author
            && before.delivered;
        let taken_back = after.sdp_type == SdpType::Answer && after.author == here.author;
        if crossed && taken_back && here.delivered {
            said.push(format!("{} crossed {} and was taken back by its author", here.name, before.name));
            list[number].delivered = false;
        }
    }
}

/// An answer to what is said never to have arrived: one of the two statements is wrong.
fn unheard(list: &[Authored], said: &mut Vec<String>) {
    for (number, answer) in list.iter().enumerate().filter(|(_, known)| known.sdp_type == SdpType::Answer) {
        let offer = list[..number].iter().rfind(|known| known.author != answer.author);
        if let Some(offer) = offer.filter(|offer| offer.sdp_type == SdpType::Offer && !offer.delivered) {
            said.push(format!(
                "{} answers {}, which was said to be undelivered and must have arrived",
                answer.name, offer.name
            ));
        }
    }
}

/// By `a=setup`: an offer says actpass, an answer one of the roles (RFC 9429 §5.2.1, §5.3.1). A role is said by nothing
/// but an answer, whatever the file is called; only where no offer can have come before it is it a wrong one. Where
/// `a=setup` is wrong or absent, by the name of the file, and else an answer follows an offer.
fn kind(name: &str, sdp: &SdpFacts, before: &[Authored], later_offer: bool) -> (SdpType, Typed) {
    let live = sdp.sections.iter().filter(|section| !section.is_rejected());
    let setup = live.filter_map(|section| section.setup.as_deref()).next();
    let pending =
        before.iter().rfind(|known| known.delivered).is_some_and(|known| known.sdp_type == SdpType::Offer);
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let answers = ["answer", "reply", "response"].iter().any(|word| name.contains(word));
    let named = match (name.contains("offer"), answers) {
        (true, false) => Some(SdpType::Offer),
        (false, true) => Some(SdpType::Answer),
        _ => None,
    };
    match setup {
        // A wrong role is told as such only if it is known what the description should have been.
        Some("actpass") if pending && named == Some(SdpType::Answer) => (SdpType::Answer, Typed::Guessed),
        Some("actpass") => (SdpType::Offer, Typed::Role),
        Some("active" | "passive") if !before.is_empty() || later_offer => (SdpType::Answer, Typed::Role),
        _ if pending => (named.unwrap_or(SdpType::Answer), Typed::Guessed),
        _ => (named.unwrap_or(SdpType::Offer), Typed::Guessed),
    }
}

/// A finding is no surer than the type of the descriptions that it rests on.
pub(super) fn doubt(findings: &mut Findings, list: &[Authored]) {
    for finding in findings.findings.iter_mut().chain(&mut findings.notes) {
        // What a text lacks by itself it lacks as an offer and as an answer.
        let by_type = finding.layer == Layer::Glare
            || matches!(finding.id, "sdp-setup-invalid" | "sig-answer-in-stable" | "sdp-offer-no-media");
        let compares = finding.evidence.len() > 1;
        let doubtful = list.iter().filter(|known| finding.evidence.contains(&known.name)).find(|known| {
            match known.typed {
                Typed::Stated => false,
                Typed::Role => by_type,
                Typed::Guessed => by_type || compares,
            }
        });
        if let Some(known) = doubtful {
            finding.confidence = finding.confidence.max(Confidence::Probable);
            let settle = || format!("whether {} is an {}, which was inferred", known.name, known.sdp_type);
            finding.settle.get_or_insert_with(settle);
        }
    }
}

/// Whether an offer follows, or nothing at all: then a description with a role is an answer, and else an offer with a
/// wrong role.
fn later_offer(found: &[(&Input, Description)], number: usize) -> bool {
    let mut later = found[number + 1..].iter().map(|(_, description)| description.text.as_str());
    found.len() == 1 || later.any(|text| text.contains("a=setup:actpass"))
}

/// Whose certificates, ICE credentials and sessions are known.
#[derive(Default)]
struct Known {
    prints: Vec<(String, Role)>,
    ufrags: Vec<(String, Role)>,
    sessions: Vec<(String, Role)>,
}

impl Known {
    fn learn(&mut self, sdp: &SdpFacts, author: Role) {
        let learn = |known: &mut Vec<(String, Role)>, mark: &str| {
            if !known.iter().any(|(text, by)| text == mark && *by == author) {
                known.push((mark.to_owned(), author));
            }
        };
        prints(sdp).for_each(|print| learn(&mut self.prints, print));
        ufrags(sdp).for_each(|ufrag| learn(&mut self.ufrags, ufrag));
        if let Some(id) = &sdp.session_id
            && !self.sessions.iter().any(|(known, _)| known == id)
        {
            self.sessions.push((id.clone(), author));
        }
    }

    /// A certificate and credentials belong to one connection, whereas some stacks, such as aiortc, write a new session
    /// id into each description.
    fn author(&self, sdp: &SdpFacts) -> Option<Role> {
        let session = sdp.session_id.as_deref().into_iter();
        one(&self.prints, prints(sdp)).or_else(|| one(&self.ufrags, ufrags(sdp))).or_else(|| {
            let by = |mark: &str| self.sessions.iter().find(|(known, _)| known == mark);
            session.filter_map(by).map(|(_, author)| *author).next()
        })
    }
}

/// The only side that is known by one of the marks.
fn one<'a>(known: &[(String, Role)], marks: impl Iterator<Item = &'a str>) -> Option<Role> {
    let marks: Vec<&str> = marks.collect();
    let mut by = known.iter().filter(|(text, _)| marks.contains(&text.as_str())).map(|(_, author)| *author);
    let first = by.next()?;
    by.all(|other| other == first).then_some(first)
}

fn prints(sdp: &SdpFacts) -> impl Iterator<Item = &str> {
    let sections = sdp.sections.iter().filter(|section| !section.is_rejected());
    sections.flat_map(|section| &section.fingerprints).map(|print| print.value.as_str())
}

fn ufrags(sdp: &SdpFacts) -> impl Iterator<Item = &str> {
    let sections = sdp.sections.iter().filter(|section| !section.is_rejected());
    sections.filter_map(|section| section.ice_ufrag.as_deref())
}

/// By what is known of both sides: the first offer is the caller's, another connection the other side's. An answer is
/// never made by who made its offer.
fn author(sdp: &SdpFacts, sdp_type: SdpType, known: &Known, before: &[Authored]) -> Role {
    let by_mark = known.author(sdp);
    if matches!(sdp_type, SdpType::Answer | SdpType::Pranswer) {
        let mut offers =
            before.iter().rev().filter(|known| known.sdp_type == SdpType::Offer && known.delivered);
        let last = offers.clone().next();
        // Where offers crossed, it is told which one is answered.
        let fits = |author: &Role| offers.any(|offer| offer.author != *author);
        if let Some(author) = by_mark.filter(fits).or_else(|| last.map(|offer| offer.author.other())) {
            return author;
        }
    }
    if let Some(author) = by_mark {
        return author;
    }
    match before.first() {
        Some(first) => first.author.other(),
        None if sdp_type == SdpType::Offer => Role::Caller,
        None => Role::Callee,
    }
}

/// The descriptions of a timeline, in the order in which its own side saw them.
pub(super) fn of_facts(facts: &Facts) -> Vec<Authored> {
    let own = facts.own();
    let descriptions = own.history.descriptions.iter();
    descriptions
        .filter(|known| known.sdp_type != SdpType::Rollback)
        .map(|known| Authored {
            name: known.id().to_owned(),
            author: if known.side == Side::Local { own.role } else { own.role.other() },
            sdp_type: known.sdp_type,
            typed: Typed::Stated,
            text: known.text.to_string(),
            sdp: Arc::clone(&known.sdp),
            delivered: known.side == Side::Remote || known.signalled.is_some() || !own.known,
        })
        .collect()
}
