# SPDX-License-Identifier: MIT
"""The exocore command: builds, boots and tests images. Standard library only."""
