import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readdirSync, readFileSync, mkdirSync, rmSync } from "node:fs";
import { startDatabase } from "/work/main/bench/database.ts";
import { load, rate, percentile } from "/work/main/bench/load.ts";
import { get } from "/work/main/bench/visitors.ts";
const connections = Number(process.argv[2] ?? 16);
const dir = "/tmp/plan/prof"; rmSync(dir,{recursive:true,force:true}); mkdirSync(dir);
const database = await startDatabase(100, "0-1");
const env = { PATH: process.env.PATH, ...Object.fromEntries(Object.entries(database.mysql.config).map(([k,v])=>[k,String(v)])), LOG_LEVEL:"info", NODE_ENV:"production", SESSION_KEYS:"x".repeat(40), TRUSTED_PROXIES:"1", PORT:"18080", METRICS_PORT:"18081" };
const log = openSync("/dev/shm/proflog","w");
const child = spawn(process.execPath, ["--cpu-prof","--cpu-prof-dir="+dir,"--import","tsx","service/server.ts"], { cwd:"/work/main", env: env as any, stdio:["ignore",log,log] });
for(;;){ try { if((await fetch("http://127.0.0.1:18080/")).ok) break; } catch {} await new Promise(r=>setTimeout(r,100)); }
const a = await load({ url:"http://127.0.0.1:18080", connections, seconds:8, requests:()=>[get("/")] } as any);
console.log(rate(a).toFixed(0),"answers/s p50",percentile(a,0.5),"p99",percentile(a,0.99));
child.kill("SIGTERM"); await once(child,"exit"); await database.remove();
for (const f of readdirSync(dir)) {
  const p = JSON.parse(readFileSync(dir+"/"+f,"utf8"));
  const self = new Map<string,number>(), mod=new Map<string,number>();
  const byId=new Map(p.nodes.map((n:any)=>[n.id,n]));
  const parent=new Map<number,number>(); for(const n of p.nodes) for(const c of n.children??[]) parent.set(c,n.id);
  let total=0;
  p.samples.forEach((id:number,i:number)=>{ const n:any=byId.get(id); const d=p.timeDeltas[i]; const fn=n.callFrame.functionName; if(fn==="(idle)"||fn==="(program)") return; total+=d;
    const url=n.callFrame.url; const name=fn+" "+url.split("/").slice(-3).join("/")+":"+n.callFrame.lineNumber; self.set(name,(self.get(name)??0)+d);
    let m:any=n; let mu=m.callFrame.url; while((!mu||mu.startsWith("node:"))&&parent.has(m.id)){m=byId.get(parent.get(m.id)!);mu=m.callFrame.url;}
    const k=/node_modules\/((@[^/]+\/)?[^/]+)/.exec(mu)?.[1]??mu.split("/").slice(-2).join("/"); mod.set(k,(mod.get(k)??0)+d); });
  if(total<2e6) continue;
  console.log(f,total/1e6); 
  for(const [k,v] of [...mod].sort((a,b)=>b[1]-a[1]).slice(0,22)) console.log((v/total*100).toFixed(1)+"%",k);
  console.log("--"); for(const [k,v] of [...self].sort((a,b)=>b[1]-a[1]).slice(0,25)) console.log((v/total*100).toFixed(1)+"%",k);
}
