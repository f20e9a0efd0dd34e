"""Sign-in over HTTP: its routes and pages, the cookies, and the requests of pages that are authenticated by them."""
