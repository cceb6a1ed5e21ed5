//! `image`: the image of nodes on GNS3's servers.

use crate::backend::docker::{DockerBackend, gns3_image};
use crate::gns3::container::IMAGE;

use super::args::ImageArgs;
use super::failure::{Failure, Status};
use super::output;
use super::printer::Printer;
use super::site::node_binary;

/// Makes the image, in the engine or as a file.
///
/// # Errors
/// If no engine answers, or the file cannot be written.
pub async fn image(args: ImageArgs, printer: Printer) -> Result<Status, Failure> {
    let tag = args.tag.unwrap_or_else(|| IMAGE.to_owned());
    if let Some(file) = args.output {
        let archive = node_binary()
            .and_then(|node| gns3_image::archive(node, &tag))
            .map_err(|error| Failure::Error(format!("making image {tag}: {error}")))?;
        output::write_file(&archive, &file)?;
        printer.note(format_args!(
            "{tag} is in {0}; on the server: docker load -i {0}",
            file.display()
        ));
    } else {
        let docker = DockerBackend::from_environment(node_binary);
        docker.make_gns3_image(&tag).await?;
        printer.result(tag);
    }
    Ok(Status::Passed)
}
