// Installs every package of the lockfile, those for development too: what the tests begin with.
import { installPackages } from './packages.mjs';

installPackages(true);
