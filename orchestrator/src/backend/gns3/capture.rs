//! The capture of a link by GNS3: a growing pcap file, turned into pcapng on the way.
//!
//! uBridge writes each frame before it passes it on, so none that passed is missing. The server streams
//! the file, and stops as soon as the capture does, with up to a tenth of a second of it unsent: the rest
//! is read from the file (`stream_pcap_file` in `compute/base_manager.py`).

use std::sync::Arc;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::PcapError;
use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use protocol::control::CaptureSummary;
use protocol::link::Port;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::backend::{BackendError, BackendErrorKind, BackendKind};
use crate::control::CaptureStream;
use crate::control::transfer::Captured;

use super::error::{ServerError, at};
use super::server::{Dialect, Server};

/// Begins to capture on a link.
///
/// # Errors
/// The server's; also where somebody captures there already.
pub(super) async fn begin(
    server: Arc<Server>,
    link: String,
    (port, snap_length): (&Port, Option<u32>),
) -> Result<CaptureStream, BackendError> {
    let action = format!("capturing on the link of {}:{}", port.node, port.interface);
    let (start, stream) = match server.dialect() {
        Dialect::Two => ("start_capture", "pcap"),
        Dialect::Three => ("capture/start", "capture/stream"),
    };
    let state: LinkState = server.get(&link).await.map_err(at(&action))?;
    if state.capturing {
        return Err(taken(action));
    }
    let order = json!({
        "capture_file_name": format!("{}_{}.pcap", port.node, port.interface),
        "data_link_type": "DLT_EN10MB",
    });
    let start = format!("{link}/{start}");
    let begun = match server.post::<LinkState>(&start, &order).await {
        Ok(begun) => begun,
        // Somebody was faster.
        Err(error) if error.to_string().contains("already") => return Err(taken(action)),
        Err(error) => return Err(at(action)(error)),
    };
    let bytes = server.stream(&format!("{link}/{stream}")).await;
    let bytes = bytes.map_err(at(action))?;
    let (captured, receiver) = mpsc::channel(QUEUE);
    let stop = Arc::new(Notify::new());
    let watch = Watch {
        server,
        file: begun.file(&link),
        link,
        stop: Arc::clone(&stop),
        recoder: Recoder::new(snap_length.unwrap_or(0)),
        received: 0,
        captured,
    };
    tokio::spawn(watch.run(bytes));
    Ok(CaptureStream::foreign(receiver, stop))
}

fn taken(action: String) -> BackendError {
    let taken = std::io::Error::other(
        "somebody captures there already, and GNS3 allows one; end that capture first, where its process \
         was killed in GNS3's window, by a right click on the link",
    );
    BackendErrorKind::system(taken).at(BackendKind::Gns3, action)
}

/// A server's description of a link that is being captured.
#[derive(Debug, serde::Deserialize)]
struct LinkState {
    #[serde(default)]
    capturing: bool,
    #[serde(default)]
    capture_compute_id: Option<String>,
    #[serde(default)]
    capture_file_name: Option<String>,
}

impl LinkState {
    /// Where the file can be read once the capture has ended: only on the server's own machine.
    fn file(&self, link: &str) -> Option<String> {
        let name = self.capture_file_name.as_ref()?;
        let (project, _) = link.split_once("/links/")?;
        let compute = self.capture_compute_id.as_deref();
        let here = compute.is_none_or(|compute| compute == crate::gns3::document::LOCAL);
        here.then(|| format!("{project}/files/project-files/captures/{name}"))
    }
}

/// A capture under way.
struct Watch {
    server: Arc<Server>,
    link: String,
    file: Option<String>,
    stop: Arc<Notify>,
    recoder: Recoder,
    /// Bytes of the file so far.
    received: usize,
    captured: mpsc::Sender<Captured>,
}

impl Watch {
    async fn run(mut self, mut bytes: reqwest::Response) {
        let stop = Arc::clone(&self.stop);
        let ended = loop {
            let chunk = tokio::select! {
                () = stop.notified() => break Ok(()),
                chunk = bytes.chunk() => chunk,
            };
            match chunk {
                Ok(Some(chunk)) => {
                    if let Err(why) = self.take(&chunk).await {
                        break Err(why);
                    }
                }
                Ok(None) => break Err("the server ended it".to_owned()),
                Err(error) => break Err(self.server.broken(&error).to_string()),
            }
        };
        drop(bytes);
        let stopped = match self.stop_at_server().await {
            Ok(()) => self.rest().await,
            Err(error) => Err(error.to_string()),
        };
        let summary = CaptureSummary {
            packets: self.recoder.packets,
            dropped: 0,
            cut_short: ended.and(stopped).err(),
        };
        // Who has gone wants no summary.
        let _ = self.captured.send(Captured::Ended(summary)).await;
    }

    async fn stop_at_server(&self) -> Result<(), ServerError> {
        let stop = match self.server.dialect() {
            Dialect::Two => "stop_capture",
            Dialect::Three => "capture/stop",
        };
        self.server.order(&format!("{}/{stop}", self.link)).await
    }

    /// Fetches the part that the server had not streamed when it stopped.
    async fn rest(&mut self) -> Result<(), String> {
        let Some(file) = &self.file else {
            let late = LATE.as_millis();
            return Err(format!(
                "its file is on another compute: what came in the last {late} ms may be missing"
            ));
        };
        let whole = self.server.stream(file).await;
        let whole = whole.map_err(|error| error.to_string())?;
        let whole = whole.bytes().await;
        let whole = whole.map_err(|error| self.server.broken(&error).to_string())?;
        let rest = whole.slice(self.received.min(whole.len())..);
        self.take(&rest).await
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.received += bytes.len();
        let recoded = self
            .recoder
            .take(bytes)
            .map_err(|error| error.to_string())?;
        if !recoded.is_empty() {
            // Who has gone notified us of it.
            let _ = self.captured.send(Captured::Bytes(recoded)).await;
        }
        Ok(())
    }
}

/// Turns a pcap file that comes in pieces into pcapng.
struct Recoder {
    /// The number of bytes kept of each frame; 0 for all.
    snap_length: u32,
    /// The bytes that do not make up a whole frame yet.
    pending: Vec<u8>,
    parser: Option<PcapParser>,
    writer: Option<PcapNgWriter<Vec<u8>>>,
    packets: u64,
}

impl Recoder {
    fn new(snap_length: u32) -> Self {
        Self {
            snap_length,
            pending: Vec::new(),
            parser: None,
            writer: None,
            packets: 0,
        }
    }

    /// Takes in the next piece of the file and returns the frames that it completes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, PcapError> {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = &pending[..];
        let recoded = self.recode(&mut rest);
        self.pending = rest.to_vec();
        recoded
    }

    fn recode(&mut self, rest: &mut &[u8]) -> Result<Vec<u8>, PcapError> {
        if self.parser.is_none() {
            match PcapParser::new(rest) {
                Ok((after, parser)) => {
                    *rest = after;
                    self.parser = Some(parser);
                    self.writer = Some(header(self.snap_length)?);
                }
                Err(PcapError::IncompleteBuffer) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        }
        let (Some(parser), Some(writer)) = (&self.parser, &mut self.writer) else {
            return Ok(Vec::new());
        };
        loop {
            match parser.next_packet(rest) {
                Ok((after, packet)) => {
                    let whole = packet.data.len();
                    let kept = match self.snap_length {
                        0 => whole,
                        length => whole.min(usize::try_from(length).unwrap_or(whole)),
                    };
                    writer.write_pcapng_block(EnhancedPacketBlock {
                        interface_id: 0,
                        timestamp: packet.timestamp,
                        original_len: packet.orig_len,
                        data: packet.data[..kept].into(),
                        options: Vec::new(),
                    })?;
                    self.packets += 1;
                    *rest = after;
                }
                Err(PcapError::IncompleteBuffer) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(std::mem::take(writer.get_mut()))
    }
}

/// The blocks that a pcapng file begins with.
fn header(snap_length: u32) -> Result<PcapNgWriter<Vec<u8>>, PcapError> {
    let mut writer = PcapNgWriter::new(Vec::new())?;
    writer.write_pcapng_block(InterfaceDescriptionBlock {
        linktype: DataLink::ETHERNET,
        snaplen: snap_length,
        // Times are written in nanoseconds.
        options: vec![InterfaceDescriptionOption::IfTsResol(9)],
    })?;
    Ok(writer)
}

/// The time span of frames that the server may not have sent when it stops: it looks for frames ten times a
/// second.
const LATE: Duration = Duration::from_millis(100);

/// Pieces that wait for whoever reads slowly.
const QUEUE: usize = 16;
