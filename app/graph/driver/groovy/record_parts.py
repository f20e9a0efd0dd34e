"""The Groovy class ``RecordParts``: leaves members out of the JSON text of a record, without parsing the text.

A record may have 64 KiB, of which a caller needs three short values. ``JsonSlurper`` takes half a millisecond for such
a text, and this class a tenth of that. Its types are static for that reason. A text is a JSON object whose keys need no
escapes, as :mod:`app.graph.records.record_text` writes it.
"""

from typing import Final

RECORD_PARTS: Final = """
@groovy.transform.CompileStatic
class RecordParts {
  static final Set<String> ALWAYS = ['id', 'index'] as Set

  static String brief(Object x, String r, int most, List<Object> cut) {
    if (r.length() <= most) return r
    List<String> left = []
    String kept = kept(r) { int begin, int end ->
      boolean isKept = end - begin <= most || ALWAYS.contains(key(r, begin))
      if (!isKept) left.add(key(r, begin))
      isKept
    }
    if (!left) return r
    cut.add(x)
    cut.add(left)
    kept
  }

  static String only(String r, Set<String> keys) {
    kept(r) { int begin, int end -> keys.contains(key(r, begin)) }
  }

  static String key(String r, int begin) {
    int quote = r.indexOf('"', begin)
    r.substring(quote + 1, r.indexOf('"', quote + 1))
  }

  static String kept(String r, Closure<Boolean> isKept) {
    StringBuilder kept = new StringBuilder('{')
    int depth = 0, begin = 1
    for (int i = 0; i < r.length(); i++) {
      char c = r.charAt(i)
      if (c == (char) '"') i = endOfText(r, i)
      else if (c == (char) '{' || c == (char) '[') depth++
      else if (c == (char) '}' || c == (char) ']') depth--
      if (depth == 0 || (depth == 1 && c == (char) ',')) {
        if (i > begin && isKept.call(begin, i)) kept.append(kept.length() > 1 ? ',' : '').append(r, begin, i)
        begin = i + 1
      }
    }
    kept.append('}').toString()
  }

  static int endOfText(String r, int quote) {
    int i = quote
    while (true) {
      i = r.indexOf('"', i + 1)
      int from = i
      while (r.charAt(from - 1) == (char) '\\\\') from--
      if ((i - from) % 2 == 0) return i
    }
  }
}
"""
"""``only`` keeps the members with one of the keys. ``brief`` leaves out members of more than ``most`` characters, save
``index`` and ``id``. Unless all are kept, it adds the vertex id ``x`` and the list of their keys to ``cut``.
"""
