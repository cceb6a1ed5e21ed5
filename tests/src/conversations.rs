//! Conversations with file servers in Python: labs for every backend.

/// A server and a client, and what is said. The server gets a port, workers, their model and a folder.
pub fn lab(program: &str, commands: &str) -> String {
    format!(
        "name = \"python\"\n[network.lan]\nsubnet = \"10.0.0.0/24\"\n\
         [node.server]\nnetworks = [\"lan\"]\nfiles = [\"{program}:/root/server.py\"]\n\
         [node.client]\nnetworks = [\"lan\"]\n\
         [[scenario]]\nname = \"s\"\nkind = \"file-server\"\nclient = \"client\"\n\
         server.node = \"server\"\nserver.directory = \"/root/files\"\n\
         server.command = [\"python3\", \"/root/server.py\", \"46666\", \"3\", \"thread\", \"/root/files\"]\n\
         files = [\"one.bin\", \"two.bin\"]\n{commands}"
    )
}

/// A command with these keys.
pub fn command(keys: &str) -> String {
    format!("[[scenario.command]]\n{keys}\n")
}

/// The files that these labs name.
pub fn files() -> [(&'static str, Vec<u8>); 3] {
    let bytes: Vec<u8> = (0..=250).cycle().take(200_000).collect();
    [
        ("two.bin", bytes[..77_777].to_vec()),
        ("one.bin", bytes),
        ("notes.txt", b"notes".to_vec()),
    ]
}

/// The shipped Python server, with eleven commands that it must do or refuse.
pub fn python(connection: &str) -> String {
    let said = [
        "list = true\nexpect.names = [\"two.bin\", \"one.bin\"]",
        "get = \"one.bin\"",
        "upload = \"notes.txt\"\nas = \"two words.txt\"",
        "download = \"two words.txt\"",
        "upload = \"two.bin\"\nas = \"one.bin\"",
        "get = \"one.bin\"\nexpect.equal = \"two.bin\"",
        "delete = \"two.bin\"",
        "get = \"two.bin\"\nexpect.reason = \"No such file\"",
        "get = \"../server.py\"\nexpect.status = \"error\"",
        "raw = \"DANCE now\"\nexpect = { status = \"error\", reason = \"unknown command\" }",
        "list = true\nexpect.names = [\"one.bin\", \"two words.txt\"]",
    ];
    let commands: String = said.map(command).concat();
    let commands = format!("connection = \"{connection}\"\n{commands}");
    lab("topologies/inputs/file-server.py", &commands)
}
