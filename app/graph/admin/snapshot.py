"""A snapshot of a running embedded store: hard links to its files at one moment, which a backup then copies.

BerkeleyJE only appends to its files. `DbBackup` closes the last one, so all files of the snapshot are unchangeable, and
the links keep them when the store deletes them. This takes milliseconds, and the store goes on reading and writing.

The files of Lucene are unchangeable, too, and are linked directly after. The index may then be one transaction ahead of
the data or behind them. The index mark shows that when the store of the backup starts, and the index is rebuilt.
A snapshot is repeated up to ATTEMPTS times until nothing was written meanwhile, so that this is rarely necessary.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.graph.commits.write_statements import INDEX_MARK, INDEX_MARK_URN
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.store.self_check import VERTEX_ID

ATTEMPTS: Final = 20
"""Maximal number of snapshots that are taken until one has an index of the same transaction as the data."""

SNAPSHOT: Final = PreparedStatement.of(
    """
import java.nio.file.Files
def graph = g.getGraph()
def marks = { ->
  g.tx().rollback()
  def stored = g.V(probe).values('source').tryNext().orElse('')
  def count = g.V(mark).values('updatedAt').tryNext().orElse(0L)
  def fresh = stored == '' || g.V().has('source', stored).id().toList().contains(probe)
  def whole = count == 0L || g.V().has('urn', urn).has('updatedAt', count).id().toList().contains(mark)
  fresh && whole ? [stored, count] : null
}
def link = { from, to ->
  Files.createDirectories(to.parent)
  try { Files.createLink(to, from) } catch (UnsupportedOperationException e) { Files.copy(from, to) }
}
def environment = graph.backend.@storeManager.@manager.@environment
def root = environment.home.toPath().toAbsolutePath().parent
def there = java.nio.file.Paths.get(folder)
def before = marks()
def backup = new com.sleepycat.je.util.DbBackup(environment)
def data = []
backup.startBackup()
try {
  data = backup.getLogFilesInBackupSet() as List
  data.each { link(root.resolve('je').resolve(it), there.resolve('je').resolve(it)) }
} finally { backup.endBackup() }
def index = true
def lucene = root.resolve('lucene')
try {
  Files.walk(lucene).filter { Files.isDirectory(it) }.toList().each { each ->
    def directory = org.apache.lucene.store.FSDirectory.open(each)
    try {
      if (org.apache.lucene.index.DirectoryReader.indexExists(directory)) {
        org.apache.lucene.index.SegmentInfos.readLatestCommit(directory).files(true).each {
          link(each.resolve(it), there.resolve('lucene').resolve(lucene.relativize(each)).resolve(it))
        }
      }
    } finally { directory.close() }
  }
} catch (IOException | UncheckedIOException e) { index = false }  // a file that a merge deleted meanwhile
[[data: data.size(), index: index && before != null && marks() == before]]
""",
    "folder",
    "probe",
    "mark",
    "urn",
    name="backup",
)
"""Links the files of data and index into ``folder``, in ``je`` and ``lucene``.

The response is one row ``{data: number of files, index: whether data and index have the same transaction}``.
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a snapshot by their paths within the store's folder; ``index``: whether the index is among them."""

    files: dict[str, Path]
    index: bool


async def take_snapshot(client: GremlinClient, folder: Path) -> Snapshot:
    """Link the files of the embedded store behind ``client`` into subfolders of ``folder``, which must be absolute.

    ``folder`` must be on the file system of the store; the caller deletes it. Raises the errors of
    :meth:`GremlinClient.submit`.
    """
    for attempt in range(ATTEMPTS):
        there = folder / str(attempt)
        bindings = {"folder": str(there), "probe": VERTEX_ID, "mark": INDEX_MARK, "urn": INDEX_MARK_URN}
        (row,) = await client.submit(SNAPSHOT, bindings)
        if row["index"]:
            break
    files = {str(path.relative_to(there)): path for path in sorted(there.rglob("*")) if path.is_file()}
    kept = files if row["index"] else {name: path for name, path in files.items() if name.startswith("je/")}
    return Snapshot(kept, row["index"])
