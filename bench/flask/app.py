"""The blog's index and login on Flask, with the blog's database. The benchmarks compare the blog with it.

Run it with gunicorn. Reads MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD.
"""

import os
import secrets
import threading

import pymysql
from flask import Flask, redirect, render_template, request, session
from pymysql.cursors import DictCursor
from werkzeug.security import check_password_hash

PAGE_SIZE = 10

app = Flask(__name__)
app.secret_key = secrets.token_hex()
app.jinja_env.trim_blocks = False
app.jinja_env.auto_reload = False

# Each thread keeps its connection open.
local = threading.local()


def query(sql, *values):
    if not hasattr(local, "connection"):
        local.connection = pymysql.connect(
            host=os.environ["MYSQL_HOST"],
            port=int(os.environ["MYSQL_PORT"]),
            database=os.environ["MYSQL_DATABASE"],
            user=os.environ["MYSQL_USER"],
            password=os.environ["MYSQL_PASSWORD"],
            autocommit=True,
            cursorclass=DictCursor,
            init_command="SET time_zone = '+00:00'",
        )
    with local.connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


@app.get("/")
def index():
    found = query(
        "SELECT p.id, p.author_id, u.username, p.created, p.title, p.body"
        " FROM post AS p JOIN user AS u ON p.author_id = u.id"
        " ORDER BY p.created DESC, p.id DESC LIMIT %s",
        PAGE_SIZE + 1,
    )
    posts = found[:PAGE_SIZE]
    older = f"{posts[-1]['created'].isoformat()}_{posts[-1]['id']}" if len(found) > PAGE_SIZE else None
    return render_template("index.html", title="Posts", posts=posts, older=older)


@app.post("/auth/login")
def login():
    found = query("SELECT id, password FROM user WHERE username = %s", request.form["username"])
    if not found or not check_password_hash(found[0]["password"], request.form["password"]):
        return "Incorrect username or password.", 403
    session.clear()
    session["user_id"] = found[0]["id"]
    return redirect("/")
