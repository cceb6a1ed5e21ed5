//! Arguments, their environment variables and their help.
//!
//! - [`verb`]: the verbs and what every verb understands.
//! - [`raise`]: what labs are raised, run and taken down with.
//! - [`inside`]: what is said to labs that are up.
//! - [`document`]: files read and written, and the machine.

pub mod document;
pub mod inside;
pub mod raise;
pub mod verb;

pub use document::{
    CleanArgs, DoctorArgs, ExportArgs, ExportFormat, GraphArgs, GraphLanguage, ImageArgs,
    ImportArgs, ReportArgs, ValidateArgs,
};
pub use inside::{CaptureArgs, CpArgs, ExecArgs, FaultArgs, FaultWord, LogsArgs, NodeArg, PsArgs};
pub use raise::{DownArgs, RaiseArgs, RunArgs, ScenarioArgs, UpArgs};
pub use verb::{Arguments, BackendChoice, Format, Global, LogFormat, Verb};
