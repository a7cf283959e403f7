//! The system's limits of watches.

use notify::ErrorKind;

/// What to do about an error, if it is one of inotify's limits.
pub(super) fn advice(error: &notify::Error) -> Option<String> {
    let (what, setting, value) = match &error.kind {
        ErrorKind::MaxFilesWatch => ("watched folders", "max_user_watches", 524_288),
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
            ("watched folders", "max_user_watches", 524_288)
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            ("watchers", "max_user_instances", 1024)
        }
        _ => return None,
    };
    Some(format!(
        "The system's limit of {what} is reached, so files are read every second instead. Raise it \
         with \"sudo sysctl fs.inotify.{setting}={value}\" and start again; a line in /etc/sysctl.d/ makes it permanent."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reached_limit_names_what_to_raise() {
        let watches = advice(&notify::Error::new(ErrorKind::MaxFilesWatch)).unwrap();
        assert!(watches.contains("fs.inotify.max_user_watches"), "{watches}");
        let instances = std::io::Error::from_raw_os_error(libc::EMFILE);
        let instances = advice(&notify::Error::io(instances)).unwrap();
        assert!(
            instances.contains("fs.inotify.max_user_instances"),
            "{instances}"
        );
        assert_eq!(advice(&notify::Error::path_not_found()), None);
    }
}
