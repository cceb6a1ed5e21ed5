//! A project, as in a `.gns3` file: `gns3server/schemas/topology.py` of GNS3 2.2, which allows no other keys
//! than these, and `schemas/controller/topology.py` of 3.x, which reads revision 9 too.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::filter::Filters;

/// The revision that both 2.2 and 3.x read.
pub const REVISION: u32 = 9;

/// The oldest and the newest revision that is understood here: 2.1's, 3.x's.
const UNDERSTOOD: std::ops::RangeInclusive<u64> = 8..=10;

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its identity.
    pub project_id: Uuid,
    /// Its name.
    pub name: String,
    /// Always `topology`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The revision of the file's form.
    pub revision: u32,
    /// The GNS3 that wrote it; 3.x reads files without one.
    #[serde(default)]
    pub version: String,
    /// The way it is shown, and when it is started.
    #[serde(flatten)]
    pub view: View,
    /// Its content.
    pub topology: Content,
}

/// The way a project is shown, and when it is started. Lengths are in pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are GNS3's, each a key of its own"
)]
pub struct View {
    auto_start: bool,
    auto_open: bool,
    auto_close: bool,
    /// The width of the drawing area.
    pub scene_width: u32,
    /// The height of the drawing area.
    pub scene_height: u32,
    zoom: u32,
    show_layers: bool,
    snap_to_grid: bool,
    show_grid: bool,
    grid_size: u32,
    drawing_grid_size: u32,
    show_interface_labels: bool,
    variables: Option<Value>,
    supplier: Option<Value>,
}

/// The content of a project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The servers that its nodes run on; none: where it is opened.
    pub computes: Vec<Value>,
    /// Its nodes, switches included.
    pub nodes: Vec<Node>,
    /// Its links.
    pub links: Vec<Link>,
    /// The drawings beside them.
    pub drawings: Vec<Drawing>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The server that it runs on.
    pub compute_id: String,
    /// Its identity.
    pub node_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its type, in GNS3's words.
    pub node_type: String,
    /// The protocol of its console. 2.2 wants one of a Docker node.
    #[serde(default)]
    pub console_type: Option<String>,
    /// The console's port; none: the server finds one.
    #[serde(default)]
    pub console: Option<u16>,
    /// Its picture.
    #[serde(default)]
    pub symbol: Option<String>,
    /// Where its picture's left edge is.
    #[serde(default)]
    pub x: i32,
    /// Where its picture's upper edge is.
    #[serde(default)]
    pub y: i32,
    /// Its layer.
    #[serde(default)]
    pub z: i32,
    /// The text beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// The format of its port names.
    #[serde(default = "port_name_format")]
    pub port_name_format: String,
    /// After how many ports the first number rises; 0: never.
    #[serde(default)]
    pub port_segment_size: u32,
    /// The first port's name, where it is another.
    #[serde(default)]
    pub first_port_name: Option<String>,
    /// The particulars of its adapters.
    #[serde(default)]
    pub custom_adapters: Vec<Adapter>,
    /// The properties that only nodes of its type have.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// The particulars of an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    /// Its number.
    pub adapter_number: u32,
    /// The name of its port in GNS3; inside, it is called `eth` and its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_name: Option<String>,
    /// Its hardware address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
}

/// A text beside a node or an end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The text.
    pub text: String,
    /// Right of the node's left edge; none: centred.
    pub x: Option<i32>,
    /// Below the node's upper edge.
    #[serde(default)]
    pub y: i32,
    /// Degrees, clockwise.
    #[serde(default)]
    pub rotation: i32,
    /// Its style, as SVG has it; none: GNS3's own.
    #[serde(default)]
    pub style: Option<String>,
}

/// A link between two nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its identity.
    pub link_id: Uuid,
    /// Its ends, two of them.
    pub nodes: Vec<End>,
    /// The filters on its packets, in both directions.
    #[serde(default)]
    pub filters: Filters,
    /// Whether it passes nothing.
    #[serde(default)]
    pub suspend: bool,
    /// Colour, width and kind of its line.
    #[serde(default)]
    pub link_style: Map<String, Value>,
}

/// An end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The node.
    pub node_id: Uuid,
    /// Its adapter; of a switch always 0.
    pub adapter_number: u32,
    /// The adapter's port; of a Docker node always 0.
    pub port_number: u32,
    /// The text beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
}

/// Something drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// Its identity.
    pub drawing_id: Uuid,
    /// Its left edge.
    #[serde(default)]
    pub x: i32,
    /// Its upper edge.
    #[serde(default)]
    pub y: i32,
    /// Its layer.
    #[serde(default)]
    pub z: i32,
    /// Degrees, clockwise.
    #[serde(default)]
    pub rotation: i32,
    /// Whether it cannot be moved.
    #[serde(default)]
    pub locked: bool,
    /// The picture, or the name of a file in `project-files/images` that holds it: servers move those of
    /// more than a thousand characters there.
    pub svg: String,
}

impl Node {
    /// One with nothing particular about it, whose picture's upper left corner is at `corner`.
    pub fn new(node_id: Uuid, name: String, node_type: &str, corner: (i32, i32)) -> Self {
        Self {
            compute_id: LOCAL.to_owned(),
            node_id,
            name,
            node_type: node_type.to_owned(),
            console_type: Some("telnet".to_owned()),
            console: None,
            symbol: None,
            x: corner.0,
            y: corner.1,
            z: 1,
            label: None,
            port_name_format: port_name_format(),
            port_segment_size: 0,
            first_port_name: None,
            custom_adapters: Vec::new(),
            properties: Map::new(),
        }
    }
}

/// Why bytes are no project that is understood here.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON.
    #[error("this is no JSON: {0}; GNS3 writes .gns3 files as JSON")]
    Json(serde_json::Error),
    /// JSON, but not a project.
    #[error("this is no GNS3 project: {0}")]
    Form(String),
    /// A project of another revision.
    #[error(
        "the project is of revision {0}, and 8 to 10 are understood; {hint}",
        hint = if *.0 > 10 { "export it from an older GNS3" } else { "open and save it with GNS3 2.2" }
    )]
    Revision(u64),
}

impl Project {
    /// Reads a `.gns3` file.
    ///
    /// # Errors
    /// [`DocumentError`] says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let value: Value = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
        match value.get("revision") {
            None => return Err(DocumentError::Form("it has no `revision`".to_owned())),
            Some(found) => match found.as_u64() {
                Some(revision) if UNDERSTOOD.contains(&revision) => {}
                Some(revision) => return Err(DocumentError::Revision(revision)),
                None => {
                    let text = format!("its `revision` is {found} and not a number");
                    return Err(DocumentError::Form(text));
                }
            },
        }
        if value.get("type").and_then(Value::as_str) != Some(TOPOLOGY) {
            return Err(DocumentError::Form(
                "its `type` is not `topology`".to_owned(),
            ));
        }
        serde_json::from_value(value).map_err(|error| DocumentError::Form(error.to_string()))
    }

    /// A new one.
    pub fn new(project_id: Uuid, name: String, topology: Content) -> Self {
        Self {
            project_id,
            name,
            kind: TOPOLOGY.to_owned(),
            revision: REVISION,
            version: VERSION.to_owned(),
            view: View::default(),
            topology,
        }
    }

    /// The file's text, indented as GNS3 does it.
    ///
    /// # Errors
    /// None in practice: every part of it has a form in JSON.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        indented(self)
    }
}

/// A value as JSON, indented as GNS3 does it, with a line end.
pub(super) fn indented(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, format,
    ))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

impl Default for View {
    fn default() -> Self {
        Self {
            auto_start: false,
            auto_open: false,
            auto_close: false,
            scene_width: 2000,
            scene_height: 1000,
            zoom: 100,
            show_layers: false,
            snap_to_grid: false,
            show_grid: false,
            grid_size: 75,
            drawing_grid_size: 25,
            show_interface_labels: true,
            variables: None,
            supplier: None,
        }
    }
}

fn port_name_format() -> String {
    "Ethernet{0}".to_owned()
}

/// The compute that a server is itself.
pub const LOCAL: &str = "local";

const TOPOLOGY: &str = "topology";

/// The oldest GNS3 that these files were seen to work with.
const VERSION: &str = "2.2.61";
