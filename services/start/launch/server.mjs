#!/usr/bin/env -S node --max-semi-space-size=4
import { openBundle } from './open-bundle.mjs'

openBundle(import.meta.dirname).run()
