// Removes the addresses of sponsors from package-lock.json, which must contain no address: npm run lock.
import { readFileSync, writeFileSync } from 'node:fs';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const each of Object.values(lock.packages)) delete each.funding;
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
