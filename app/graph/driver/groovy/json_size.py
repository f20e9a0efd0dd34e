"""The Groovy class ``JsonSize``: how many bytes a stored text has in a response, which is JSON.

A response is decoded in one call, so a statement that returns records includes this class, and ends by their bytes. A
number of characters is no measure: each of these may take up to three bytes. Ordinary records have up to 1.25 bytes for
each character, because of their quotation marks.
"""

from typing import Final

JSON_SIZE: Final = """
@groovy.transform.CompileStatic
class JsonSize {
  static long of(String r) {
    long size = r.length()
    for (int i = 0; i < r.length(); i++) {
      int c = (int) r.charAt(i)
      if (c == 34 || c == 92) size++
      else if (c > 127) size += c < 2048 || Character.isSurrogate((char) c) ? 1 : 2
    }
    size
  }
}
"""
"""Quotation marks and backslashes are escaped, others are UTF-8; records have no control characters.

Its types are static, because a text has thousands of characters.
"""
