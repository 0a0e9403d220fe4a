//! Whether Linux can hold the server to its own files. What holds for a server that runs its log and its deep health say.
use super::{Findings, State};
use crate::confine::{self, Confinement};

pub(super) fn look(found: &mut Findings) {
    match confine::offered() {
        Confinement::Full => found.good([
            "Linux ограничит сервер его собственными файлами (Landlock)".to_owned(),
            "Linux серверді өз файлдарымен шектейді (Landlock)".to_owned(),
            "Linux will hold the server to its own files (Landlock)".to_owned(),
        ]),
        Confinement::Partial => found.add(
            State::Attention,
            [
                "Linux ограничит сервер его файлами лишь отчасти (Landlock)".to_owned(),
                "Linux серверді өз файлдарымен жартылай ғана шектейді (Landlock)".to_owned(),
                "Linux will hold the server to its own files in part only (Landlock)".to_owned(),
            ],
            Some([
                "обновите ядро до 6.15 или новее",
                "ядроны 6.15 немесе одан жаңа нұсқаға жаңартыңыз",
                "a kernel of 6.15 or newer does it in full",
            ]),
        ),
        Confinement::Unavailable | Confinement::Off => found.add(
            State::Attention,
            [
                "Linux не может ограничить сервер его файлами (Landlock)".to_owned(),
                "Linux серверді өз файлдарымен шектей алмайды (Landlock)".to_owned(),
                "Linux cannot hold the server to its own files (Landlock)".to_owned(),
            ],
            Some([
                "нужно ядро 5.19 или новее с включённым landlock; без него сервер тоже работает",
                "landlock қосылған 5.19 немесе одан жаңа ядро керек; сервер онсыз да жұмыс істейді",
                "it takes a kernel of 5.19 or newer with landlock switched on; the server works without it as well",
            ]),
        ),
    }
}
