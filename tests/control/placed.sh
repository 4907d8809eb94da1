#!/bin/sh
# SPDX-License-Identifier: MIT
# What places.sh asks, of programs that did not ask to be controlled.
road=attach
. "$(dirname "$0")/places.sh"
