"""What people and machines read: tables, JSON, Markdown, drawings."""
