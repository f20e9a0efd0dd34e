// Fills in the key of the development issuer: from the fragment, which no server receives, else from this tab.
'use strict';

const KEY = 'mlg-graphiql-key';
const given = new URLSearchParams(location.hash.slice(1)).get('key');
if (given) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, '', location.pathname + location.search);
}
// A persona that the tab chose before is older than this sign-in.
document.querySelector('form').addEventListener('submit', () => sessionStorage.removeItem('mlg-persona'));
document.getElementById('key').value ||= sessionStorage.getItem(KEY) ?? '';
