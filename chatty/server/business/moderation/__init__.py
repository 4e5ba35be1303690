"""The rules about what moderators do to others: kicks, bans and mutes, deletions, slow mode, and what members learn."""
