//! A reply on its way: the body that a connection sends, and the task that paces it, silences it or cuts it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame, SizeHint};
use tokio::sync::mpsc;

use super::answer::Frame;
use super::errors::{ApiError, Quoted};
use super::faults::{Ending, Fault};
use super::record::{Ended, Log};
use super::wire::Switch;

/// The body ends here, unfinished.
#[derive(Debug, thiserror::Error)]
#[error("the reply is cut off on request")]
pub(super) struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The body of a reply.
pub(super) enum ReplyBody {
    /// Known whole.
    Whole(Option<Bytes>),
    /// Made piece by piece.
    Flowing(mpsc::Receiver<Result<Bytes, Cut>>, Arc<Switch>),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<BodyFrame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(
                bytes
                    .take()
                    .filter(|bytes| !bytes.is_empty())
                    .map(|bytes| Ok(BodyFrame::data(bytes))),
            ),
            Self::Flowing(pieces, switch) => {
                let piece = pieces.poll_recv(cx);
                if let Poll::Ready(Some(Ok(_))) = &piece {
                    switch.take();
                }
                piece.map(|piece| piece.map(|piece| piece.map(BodyFrame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(
                bytes
                    .as_ref()
                    .map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            ),
            Self::Flowing(..) => SizeHint::default(),
        }
    }
}

/// What happens on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    pub pace: Duration,
    pub delay: Duration,
    silences: Vec<(usize, Duration, Option<Duration>)>,
    cut: Option<(usize, Ending)>,
    error: Option<(usize, String)>,
}

impl Course {
    /// The course that these faults make of the usual one.
    pub fn with(faults: &[Fault], pace: Duration, delay: Duration, quoted: Quoted<'_>, request_id: &str) -> Self {
        let mut course = Self {
            pace,
            delay,
            ..Self::default()
        };
        for fault in faults {
            match fault {
                Fault::Delay { ms } => course.delay = Duration::from_millis(*ms),
                Fault::Pace { ms } => course.pace = Duration::from_millis(*ms),
                Fault::Silence {
                    after_events,
                    ms,
                    ping_every_ms,
                } => {
                    course.silences.push((
                        *after_events,
                        Duration::from_millis(*ms),
                        ping_every_ms.map(Duration::from_millis),
                    ));
                }
                Fault::Cut { after_events, how } => course.cut = Some((*after_events, *how)),
                Fault::StreamError { after_events, error } => {
                    course.error = Some((*after_events, ApiError::named(*error, quoted).event_data(request_id)));
                }
                _ => {}
            }
        }
        course
    }

    /// Whether a body that is no stream is cut in its middle.
    pub fn is_cut(&self) -> bool {
        self.cut.is_some()
    }
}

/// The sending side of a flowing body.
pub(super) struct Flow {
    pieces: mpsc::Sender<Result<Bytes, Cut>>,
    switch: Arc<Switch>,
    log: Arc<Log>,
    sequence: u64,
}

impl Flow {
    /// A flow and the body that it feeds.
    pub fn new(switch: Arc<Switch>, log: Arc<Log>, sequence: u64) -> (Self, ReplyBody) {
        // One piece at a time: an event leaves when it is made, not when the next one is.
        let (pieces, receiver) = mpsc::channel(1);
        let body = ReplyBody::Flowing(receiver, Arc::clone(&switch));
        (
            Self {
                pieces,
                switch,
                log,
                sequence,
            },
            body,
        )
    }

    /// Sends the events on their course.
    pub async fn stream(self, frames: Vec<Frame>, course: Course) {
        let ended = self.run(frames, &course).await;
        self.end(ended);
    }

    /// Sends half of a body and cuts it.
    pub async fn half(self, body: Bytes, how: Ending) {
        let half = body.slice(..body.len() / 2);
        let sent = self.send(half).await;
        let ended = if sent {
            self.cut(how, None).await
        } else {
            Ended::ClientGone
        };
        self.end(ended);
    }

    /// How a cut body shall end.
    pub fn ending(course: &Course) -> Ending {
        course.cut.map_or(Ending::Fin, |(_, how)| how)
    }

    async fn run(&self, frames: Vec<Frame>, course: &Course) -> Ended {
        for (at, frame) in frames.into_iter().enumerate() {
            for (after, silence, ping) in &course.silences {
                if *after == at && !self.silent(*silence, *ping).await {
                    return Ended::ClientGone;
                }
            }
            if let Some((after, how)) = course.cut
                && after == at
            {
                return self.cut(how, Some(frame.bytes)).await;
            }
            if let Some((after, data)) = &course.error
                && *after == at
            {
                return if self.send(Frame::error(data).bytes).await {
                    Ended::Complete
                } else {
                    Ended::ClientGone
                };
            }
            if frame.paced && !course.pace.is_zero() && !self.silent(course.pace, None).await {
                return Ended::ClientGone;
            }
            if !self.send(frame.bytes).await {
                return Ended::ClientGone;
            }
            self.log.replied(self.sequence, |reply| {
                if let Some(reply) = reply {
                    reply.events = at + 1;
                }
            });
        }
        Ended::Complete
    }

    /// Waits; `false` when the client went away meanwhile.
    async fn silent(&self, whole: Duration, ping: Option<Duration>) -> bool {
        let end = tokio::time::Instant::now() + whole;
        loop {
            let now = tokio::time::Instant::now();
            if now >= end {
                return true;
            }
            let next = ping
                .filter(|ping| !ping.is_zero())
                .map_or(end, |ping| end.min(now + ping));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.pieces.closed() => return false,
            }
            if next < end && !self.send(Frame::ping().bytes).await {
                return false;
            }
        }
    }

    async fn send(&self, bytes: Bytes) -> bool {
        self.switch.give();
        self.pieces.send(Ok(bytes)).await.is_ok()
    }

    /// Ends the connection in this way, once all that was sent has left. `next` is the event that would have followed.
    async fn cut(&self, how: Ending, next: Option<Bytes>) -> Ended {
        self.switch.settled().await;
        // Recorded first: a client may query the log as soon as it sees the end.
        self.end(Ended::Cut);
        match how {
            Ending::Clean => return Ended::Cut,
            Ending::Fin => {}
            Ending::Reset => self.switch.reset(),
            Ending::MidChunk => {
                if let Some(next) = next {
                    self.switch.end_after(u32::try_from(next.len() / 2).unwrap_or(u32::MAX));
                    let _ = self.send(next).await;
                    // The failed write drops the body.
                    let _ = tokio::time::timeout(Duration::from_secs(1), self.pieces.closed()).await;
                }
            }
        }
        if how != Ending::Reset {
            self.switch.end_after(0);
        }
        let _ = self.pieces.send(Err(Cut)).await;
        Ended::Cut
    }

    fn end(&self, ended: Ended) {
        self.log.replied(self.sequence, |reply| {
            if let Some(reply) = reply {
                reply.ended = ended;
            }
        });
    }
}
